"""Nothing that somebody uploads runs in the site's origin, whatever it claims to be."""

import gzip
import io
import zipfile

import pytest
from sqlalchemy import update

from lms_core.files.models import FileUpload

RUN_BY_BROWSERS = {
    "image/svg+xml", "text/html", "application/xhtml+xml", "application/xml", "text/xml", "text/css",
    "application/javascript", "text/javascript", "application/x-shockwave-flash", "text/xsl", "message/rfc822",
    "multipart/related", "multipart/x-mixed-replace",
}  # fmt: skip
JS = b"/*<script>*/alert(1)/*</script>*/"


def zipped(name):
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr(name, JS)
    return made.getvalue()


HOSTILE = {
    "html": b"<!DOCTYPE html><html><script>alert(1)</script>",
    "html after a comment": b"<!-- x --><script>alert(1)</script>",
    "html after words": b"Words first\n<html><body onload=alert(1)>",
    "html after a lot of words": b" " * 2000 + b"<script>alert(1)</script>",
    "html without a head": b"<img src=x onerror=alert(1)>",
    "html with a mark": b"\xef\xbb\xbf<html><script>alert(1)</script>",
    "html in utf-16": "<html><script>alert(1)</script>".encode("utf-16"),
    "html in utf-7": b"+ADw-script+AD4-alert(1)+ADw-/script+AD4-",
    "html with a nul": b"<ht\0ml><script>alert(1)</script>",
    "svg": b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
    "svg in xml": b"<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
    "svg after a comment": b"<!-- x --><svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
    "svg packed": gzip.compress(b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>"),
    "xhtml": b"<?xml version='1.0'?><html xmlns='http://www.w3.org/1999/xhtml'><script>alert(1)</script></html>",
    "xslt": b"<?xml version='1.0'?><?xml-stylesheet type='text/xsl' href='data:,x'?><a/>",
    "mathml": b"<math><maction actiontype='statusline#http://x' xlink:href='javascript:alert(1)'>x</maction></math>",
    "mhtml": b"MIME-Version: 1.0\nContent-Type: multipart/related; boundary=x\n\n--x\nContent-Type: text/html\n\n" + JS,
    "javascript": b"alert(1)",
    "module": b"export default alert(1)",
    "css": b"@import url(//evil.example); body { background: red }",
    "picture and script": b"GIF89a/*" + JS + b"*/=1;alert(1)",
    "picture and page": b"GIF89a\x01\0\x01\0\0\xff\0,\0\0\0\0\x01\0\x01\0\0\x02\0;<script>alert(1)</script>",
    "jpeg and page": b"\xff\xd8\xff\xe0\0\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0<html><script>alert(1)</script>",
    "png and page": b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR<script>alert(1)</script>",
    "pdf and page": b"%PDF-1.7\n<html><script>alert(1)</script>\n%%EOF",
    "page and pdf": b"<html><script>alert(1)</script>%PDF-1.7\n%%EOF",
    "pdf that runs": b"%PDF-1.7\n1 0 obj<</OpenAction<</S/JavaScript/JS(app.alert(1))>>>>endobj\n%%EOF",
    "flash": b"FWS\x06\0\0\0\0",
    "archive": zipped("index.html"),
    "java archive": zipped("META-INF/MANIFEST.MF"),
    "nothing": b"",
    "replacing parts": b"--x\r\nContent-Type: text/html\r\n\r\n" + JS,
}


@pytest.mark.parametrize("what", HOSTILE)
def test_it_is_saved_or_shown_as_what_cannot_run(stored, student, app, what):
    file = stored(student, HOSTILE[what], "holiday.png")
    shown = student.client.get(f"/api/v1/files/{file.id}/content")
    address = student.client.get(f"/api/v1/files/{file.id}/url").json["url"].removeprefix("http://localhost")
    for answer in (shown, app.get(address), app.head(address)):
        policy, inline = answer.headers["Content-Security-Policy"], answer.headers["Content-Disposition"]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert policy.startswith("default-src 'none'; ")
        assert "script-src" not in policy
        assert "object-src" not in policy
        if answer.content_type in RUN_BY_BROWSERS or not inline.startswith("inline; "):
            assert inline.startswith("attachment; ")
        if answer.content_type != "application/pdf":
            assert policy.endswith("; sandbox")
        if answer.content_type.startswith("text/"):
            assert answer.headers["Content-Type"].endswith("; charset=utf-8")
        assert "Content-Encoding" not in answer.headers
        assert "Service-Worker-Allowed" not in answer.headers
    assert shown.body == HOSTILE[what]


@pytest.mark.parametrize(
    "kind", [None, "", "text/html; charset=utf-7", "image/png\r\nX-Evil: 1", "TEXT/HTML", "image/png, text/html", "x"]
)
def test_a_type_that_is_none_is_a_download(stored, student, core, kind):
    """The column is ours to write, and a plugin's, and a restored backup's."""
    file = stored(student, b"<script>alert(1)</script>", "a")
    with core.transaction() as db:
        db.execute(update(FileUpload).values(mime_type=kind))
    answer = student.client.get(f"/api/v1/files/{file.id}/content")
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["Content-Disposition"].startswith("attachment; ")
    assert "X-Evil" not in answer.headers


@pytest.mark.parametrize(
    "name", ['a"; filename="b.html', "a\r\nX-Evil: 1", "ä\u202e.png", "%0d%0aX-Evil: 1", "..\\a", "\\"]
)
def test_a_name_breaks_out_of_no_header(stored, student, core, name):
    file = stored(student, b"words", "a")
    with core.transaction() as db:
        db.execute(update(FileUpload).values(file_name=name))
    answer = student.client.get(f"/api/v1/files/{file.id}/content")
    assert "X-Evil" not in answer.headers
    value = answer.headers["Content-Disposition"]
    assert value.count('"') == 2
    assert value.isascii()
    assert not set(value) & set("\r\n\\")


def test_known_clients_may_frame_what_is_shown_and_nobody_the_rest(stored, student, make_app, app):
    pdf, page = stored(student, b"%PDF-1.7", "a.pdf"), stored(student, b"<html>", "a.html")
    known = make_app(lms__cors__origins=("https://learn.example.org",))
    for client, framed in (
        (app, "frame-ancestors 'self'"),
        (known, "frame-ancestors 'self' https://learn.example.org"),
    ):
        for file, expected in ((pdf, framed), (page, "frame-ancestors 'none'; sandbox")):
            address = student.client.get(f"/api/v1/files/{file.id}/url").json["url"].removeprefix("http://localhost")
            assert client.get(address).headers["Content-Security-Policy"].endswith(expected)
