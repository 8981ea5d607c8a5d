"""A file is what its content says; its name is only shown, and can do no harm."""

import io
import zipfile

import pytest

from lms_core.files.kinds import category, detect
from lms_core.files.names import content_disposition, display_name


def office(folder: str) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name in ("[Content_Types].xml", "_rels/.rels", f"{folder}/document.xml"):
            archive.writestr(name, "<x/>")
    return made.getvalue()


OOXML = "application/vnd.openxmlformats-officedocument."


@pytest.mark.parametrize(
    ("head", "mime_type", "kind"),
    [
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "image/png", "image"),
        (b"\xff\xd8\xff\xe0\0\x10JFIF\0", "image/jpeg", "image"),
        (b"GIF89a\x01\0\x01\0", "image/gif", "image"),
        (b"RIFF\x24\0\0\0WEBPVP8 ", "image/webp", "image"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "image/svg+xml", "image"),
        (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3", "application/pdf", "document"),
        (b"%PDF-1.4 of letters only", "application/pdf", "document"),
        (b"\xde\xad\0%PDF-1.4", "application/pdf", "document"),
        (office("word"), OOXML + "wordprocessingml.document", "document"),
        (office("ppt"), OOXML + "presentationml.presentation", "document"),
        (b"PK\x03\x04\x14\0\0\0\0\0", "application/zip", "archive"),
        (b"\0\0\0\x20ftypisom\0\0\x02\0isomiso2avc1mp41", "video/mp4", "video"),
        (b"ID3\x04\0\0\0\0\0\0", "audio/mpeg", "audio"),
        (b"RIFF\x24\0\0\0WAVEfmt ", "audio/wav", "audio"),
        (b"WEBVTT\n\n00:00.000 --> 00:01.000\nHi", "text/vtt", "text"),
        (b"\xef\xbb\xbf  <!DOCTYPE html><p>", "text/html", "text"),
        (b"<script>alert(1)</script>", "text/html", "text"),
        (b"<?xml version='1.0'?><a/>", "application/xml", "other"),
        (b"<?xml version='1.0'?><svg/>", "image/svg+xml", "image"),
        ("größer\n".encode(), "text/plain", "text"),
        ("größer".encode()[:4], "text/plain", "text"),
        (b"BMW and BMP are no bitmaps", "text/plain", "text"),
        (b"MZ is no program", "text/plain", "text"),
        (b"\x80\x81\xfe", "application/octet-stream", "other"),
        (b"a\0b", "application/octet-stream", "other"),
        (b"", "application/octet-stream", "other"),
    ],
)
def test_a_file_is_what_its_content_says(head, mime_type, kind):
    assert detect(head) == mime_type
    assert category(mime_type) == kind


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("notes.pdf", "notes.pdf"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\a\\b.doc", "b.doc"),
        ("a\0b\n\x7f.txt", "ab.txt"),
        ("ann\u202efdp.exe", "annfdp.exe"),
        ("\u2066a\u2069\u200f\ufeff.txt", "a.txt"),
        ("می\u200cشود.txt", "می\u200cشود.txt"),
        ("e\u0301.txt", "\u00e9.txt"),
        ("  a   b.txt ", "a b.txt"),
        ("..", "file"),
        ("", "file"),
        ("folder/", "file"),
        ("x" * 300 + ".pdf", "x" * 251 + ".pdf"),
        ("x" * 300, "x" * 255),
    ],
)
def test_names_can_do_no_harm(given, shown):
    assert display_name(given) == shown


def test_the_header_carries_any_name():
    assert content_disposition("attachment", 'ré"su%\\.pdf') == (
        "attachment; filename=\"r__su__.pdf\"; filename*=UTF-8''r%C3%A9%22su%25%5C.pdf"
    )
