"""What a file is, by its content and never by its name."""

import codecs
import re

import filetype  # type: ignore[import-untyped]  # Ships no annotations.

HEAD = 8192
"""Bytes from the start of a file that are looked at."""

UNKNOWN = "application/octet-stream"

CATEGORIES = ("image", "video", "audio", "text", "document", "archive", "other")
"""What :func:`category` answers."""

_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
_WRITTEN_AS_TEXT = frozenset({"application/pdf", "application/rtf", "application/postscript"})
_COMMON_NAMES = {"audio/x-wav": "audio/wav", "audio/x-flac": "audio/flac", "video/x-m4v": "video/mp4"}
_HTML = re.compile(
    rb"<(!doctype html|html|head|body|script|iframe|title|style|link|meta|h[1-6]|div|p|a|b|br|table|font)[\s>/]|<!--"
)
_DOCUMENTS = re.compile(
    r"application/(pdf|rtf|postscript|msword|epub\+zip|vnd\.ms-|vnd\.openxmlformats-|vnd\.oasis\.opendocument)"
)
_ARCHIVES = re.compile(r"application/(zip|gzip|x-(tar|bzip2|7z-compressed|rar-compressed|xz)|vnd\.rar|zstd)")


def detect(head: bytes) -> str:
    """The media type of a file that begins with these bytes (:data:`HEAD` of them, or all there are)."""
    found = filetype.guess_mime(head) if head else None
    if _is_text(head):
        # Any signature of letters only may begin a text as well: "BMW" begins like a bitmap.
        return found if found in _WRITTEN_AS_TEXT else _kind_of_text(head)
    if found is None and b"%PDF-" in head[:1024]:
        return "application/pdf"
    return _COMMON_NAMES.get(found, found) if found else UNKNOWN


def category(mime_type: str) -> str:
    """The media type in one word, one of :data:`CATEGORIES`."""
    family = mime_type.partition("/")[0]
    if family in ("image", "video", "audio", "text"):
        return family
    if _DOCUMENTS.match(mime_type):
        return "document"
    return "archive" if _ARCHIVES.match(mime_type) else "other"


def _is_text(head: bytes) -> bool:
    """UTF-8 without control characters; a character that the end of the head cuts in two counts as whole."""
    if not head or _CONTROL.search(head):
        return False
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head, final=False)
    except UnicodeDecodeError:
        return False
    return True


def _kind_of_text(head: bytes) -> str:
    start = head.removeprefix(codecs.BOM_UTF8).lstrip().lower()
    if start.startswith(b"webvtt"):
        return "text/vtt"
    if start.startswith((b"<svg", b"<?xml")):
        return "image/svg+xml" if b"<svg" in start else "application/xml"
    return "text/html" if _HTML.match(start) else "text/plain"
