"""The bytes of a file as a response that no browser takes for a page of ours."""

import re
from collections.abc import Iterator
from typing import Any, BinaryIO

from pyramid.response import Response

from lms_core.files.kinds import UNKNOWN
from lms_core.files.names import content_disposition
from lms_core.files.reading import open_file
from lms_core.files.storage import CHUNK
from lms_core.kernel.errors import RangeNotSatisfiable, problem
from lms_core.kernel.request import Request

_SHOWN = frozenset({
    "application/pdf", "audio/aac", "audio/flac", "audio/mp4", "audio/mpeg", "audio/ogg", "audio/wav", "image/avif",
    "image/gif", "image/jpeg", "image/png", "image/webp", "text/plain", "text/vtt", "video/mp4", "video/ogg",
    "video/webm",
})  # fmt: skip
"""Types that hold nothing a browser would run; every other one is offered for saving."""

_POLICY = "default-src 'none'; img-src 'self'; media-src 'self'; style-src 'unsafe-inline'"
"""What a browser's own viewer of an image, a film or a text needs, and nothing else."""

_TYPE = re.compile(r"[a-z]+/[a-z0-9.+-]+")
_RANGE = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})")
_KEPT = "private, no-cache"
"""Kept by the browser, but asked for each time: who may have the file can change at any time."""


def content_response(request: Request, row: Any, kept: str = _KEPT) -> Response:
    """The content of a ``file_uploads`` row. Raises 503 ``storage_unavailable``.

    Strong ``ETag`` (the checksum), ``If-None-Match``, one ``Range`` and ``If-Range``; a range after the end is answered
    416 ``range_not_satisfiable``. ``kept`` is the ``Cache-Control``. WebOb's conditional response is not used: it takes
    the first of several ranges for all, and fails on some that are malformed.
    """
    wanted = _wanted_range(request, row)
    if _unchanged(request, row):
        response = Response(status=304)
    elif wanted is not None and not wanted:
        response = problem(request, RangeNotSatisfiable())
        response.headers["Content-Range"] = f"bytes */{row.file_size}"
        return response
    else:
        part = wanted or range(row.file_size)
        response = Response(app_iter=_Body(open_file(request.core, request.registry.storages, row), part))
        response.content_length = len(part)
        if wanted is not None:
            response.status_int = 206
            response.content_range = (part.start, part.stop, row.file_size)
    _describe(request, response, row)
    response.cache_control = kept
    if response.status_int == 304:
        response.content_type = None
    return response


def _unchanged(request: Request, row: Any) -> bool:
    """Whether the caller has it already: by its tag, or where none is sent, by its time."""
    if "If-None-Match" in request.headers:
        return row.checksum in request.if_none_match
    since = request.if_modified_since
    return since is not None and row.uploaded_at.replace(microsecond=0) <= since


def _describe(request: Request, response: Response, row: Any) -> None:
    """The headers that say what it is, and what a browser may do with it."""
    # What another program may have written into the column is no type to be shown.
    kind = row.mime_type if _TYPE.fullmatch(row.mime_type or "") else UNKNOWN
    shown = kind in _SHOWN
    response.content_type = kind
    response.charset = "utf-8" if kind.startswith("text/") else None
    response.etag = row.checksum
    response.accept_ranges = "bytes"
    response.last_modified = row.uploaded_at
    response.vary = ("Authorization", "Cookie")
    response.content_disposition = content_disposition("inline" if shown else "attachment", row.file_name)
    # A page of a client that we know may frame a PDF; what else would frame a file wants to deceive.
    origins = " ".join(request.core.settings.words("lms.cors.origins")) if shown else ""
    framed = f"frame-ancestors 'self' {origins}".rstrip() if shown else "frame-ancestors 'none'"
    # Browsers show no PDF in a sandbox, and their viewers are one already.
    sandbox = "" if kind == "application/pdf" else "; sandbox"
    response.headers["Content-Security-Policy"] = f"{_POLICY}; {framed}{sandbox}"


def _wanted_range(request: Request, row: Any) -> range | None:
    """The part that is asked for, empty where there is none such; None for the whole.

    Several ranges, other units and what is not well-formed are answered with the whole, as RFC 9110 allows; HEAD knows
    no ranges. Whoever holds another version than ``If-Range`` names gets the whole, too.
    """
    found = _RANGE.fullmatch(request.headers.get("Range", "").strip())
    if found is None or request.method != "GET" or not _same_version(request, row):
        return None
    size, (first, last) = row.file_size, found.groups()
    if not first:
        return range(max(0, size - int(last)), size) if last else None
    if last and int(last) < int(first):
        return None
    return range(min(int(first), size), min(int(last) + 1, size) if last else size)


def _same_version(request: Request, row: Any) -> bool:
    """Whether ``If-Range`` names this version, by a strong tag alone: what counts seconds is no version."""
    given = request.headers.get("If-Range")
    return given is None or given.strip() == f'"{row.checksum}"'


class _Body:
    """A part of a stream, which is closed by the server once it is sent, or the caller is gone."""

    def __init__(self, stream: BinaryIO, part: range) -> None:
        self._stream, self._part = stream, part

    def __iter__(self) -> Iterator[bytes]:
        left = len(self._part)
        self._stream.seek(self._part.start)
        while left and (chunk := self._stream.read(min(CHUNK, left))):
            left -= len(chunk)
            yield chunk

    def close(self) -> None:
        self._stream.close()
