"""Taking files in over HTTP: as the body itself, or as the file of a form."""

import hashlib
import io
import threading
from functools import partial
from urllib.parse import quote

import pytest
from lms_plugins.storage_local.storage import LocalStorage
from sqlalchemy import select

from lms_core.files.models import FileClaim, FileUpload
from lms_core.testing.client import PASSWORD

FILES = "/api/v1/files"
PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(range(256)) * 2000
BOUNDARY = "some-boundary"
FORM = f"multipart/form-data; boundary={BOUNDARY}"


def form(*parts, end=f"--{BOUNDARY}--\r\n"):
    """A form of (name, file name or None, content)."""
    body = b""
    for name, filename, content in parts:
        shown = f'; filename="{filename}"' if filename is not None else ""
        head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{shown}\r\n\r\n'
        body += head.encode() + content + b"\r\n"
    return body + end.encode()


@pytest.fixture
def post(student):
    """``post(body, query, kind=..., client=...)``: by default as the student."""

    def send(body, query="", *, kind="application/octet-stream", client=student.client, headers=None, **options):
        return client.send(
            "POST", f"{FILES}{query}", body, headers={"Content-Type": kind, **(headers or {})}, **options
        )

    return send


@pytest.fixture
def post_form(post):
    """``post_form(body)``: the body is a form."""
    return partial(post, kind=FORM)


def test_the_body_becomes_a_file(post, student):
    answer = post(PNG, "?name=map.png", status=201)
    made = answer.json
    assert answer.headers["Location"] == f"http://localhost{FILES}/{made['id']}"
    assert made.pop("uploadedAt").endswith("Z")
    assert made == {
        "id": made["id"], "name": "map.png", "size": len(PNG), "type": "image", "mimeType": "image/png",
        "checksum": hashlib.sha256(PNG).hexdigest(), "scanStatus": "skipped", "thumbnailUrl": None,
        "uploadedBy": str(student.id),
    }  # fmt: skip
    assert student.client.get(f"{FILES}/{made['id']}").json["checksum"] == made["checksum"]
    assert student.client.get(f"{FILES}/{made['id']}/content").body == PNG


def test_the_file_of_a_form_becomes_a_file(post_form, student):
    body = form(("note", None, b"x" * 3000), ("file", "Übung.png", PNG), ("after", None, b"y"))
    made = post_form(body, status=201).json
    assert (made["name"], made["size"], made["mimeType"]) == ("Übung.png", len(PNG), "image/png")
    assert student.client.get(f"{FILES}/{made['id']}/content").body == PNG


def test_what_looks_like_a_boundary_is_content(post_form, student):
    content = f"--{BOUNDARY}--\r\n--{BOUNDARY[:-1]}\r\n{BOUNDARY}\r\n\r\n-".encode() * 5000
    made = post_form(form(("file", "a", content)), status=201).json
    assert student.client.get(f"{FILES}/{made['id']}/content").body == content


def test_a_file_is_what_it_contains_whatever_is_said_of_it(post):
    page = post(b"<script>alert(1)</script>", "?name=cat.png", kind="image/png", status=201).json
    assert (page["type"], page["mimeType"]) == ("text", "text/html")


@pytest.mark.parametrize(
    ("name", "shown"),
    [("../../etc/passwd", "passwd"), ("a\0b.txt", "ab.txt"), ("ann\u202efdp.exe", "annfdp.exe"), ("", "file")],
)
def test_names_are_made_harmless(post, post_form, name, shown):
    assert post(b"a", f"?name={quote(name)}", status=201).json["name"] == shown
    if "\0" not in name:
        assert post_form(form(("file", name, b"a")), status=201).json["name"] == shown


def test_an_empty_file_is_a_file(post, post_form):
    assert post(b"", status=201).json["size"] == 0
    assert post_form(form(("file", "a", b"")), status=201).json["size"] == 0


@pytest.mark.parametrize(
    ("body", "code", "status"),
    [
        (form(("note", None, b"x")), "file_missing", 422),
        (form(("a", "a", b"x"), ("b", "b", b"y")), "one_file", 422),
        (form(("file", "a", PNG), end=""), "malformed_multipart", 400),
        (form(("file", "a", PNG), end=f"--{BOUNDARY}\r\n"), "malformed_multipart", 400),
        (form(*[("note", None, b"x")] * 40, ("file", "a", b"x")), "malformed_multipart", 400),
        (form(("file", "a", b"x")).replace(b'"a"', b'"a"; x=' + b"y" * 9000), "malformed_multipart", 400),
        (b"no form at all", "malformed_multipart", 400),
        (b"", "malformed_multipart", 400),
    ],
)  # fmt: skip
def test_a_form_that_is_none_leaves_nothing(post_form, nothing_left, body, code, status):
    assert post_form(body, status=status).json["code"] == code
    nothing_left()


@pytest.mark.parametrize("kind", ["multipart/form-data", "multipart/form-data; boundary=", 'multipart/form-data; b="'])
def test_a_form_without_a_boundary(post, nothing_left, kind):
    assert post(form(("file", "a", b"x")), kind=kind, status=400).json["code"] == "malformed_multipart"
    nothing_left()


@pytest.mark.parametrize("sent", [b"", b"some", PNG])
def test_a_body_that_breaks_off_leaves_nothing(post, post_form, nothing_left, sent):
    assert post(sent, length=len(sent) + 1, status=400).json["code"] == "body_incomplete"
    whole = form(("file", "a", sent))
    assert post_form(whole[:-20], length=len(whole), status=400).json["code"] == "body_incomplete"
    nothing_left()


def test_a_large_body_without_a_length_is_refused(post, post_form, nothing_left, settings):
    """Whether it is all there, nobody could tell."""
    large = b"a" * (settings.integer("lms.web.body_limit") + 1)
    assert post(large, length=None, status=411).json["code"] == "length_required"
    assert post_form(form(("file", "a", large)), length=None, status=411).json["code"] == "length_required"
    nothing_left()


def test_a_file_over_the_limit_is_refused_before_it_is_read(make_app, student, post, post_form):
    client = make_app(lms__files__max_bytes=1000, lms__web__body_limit=500).bearer(student.client.authorization[1])
    assert post(b"a" * 1000, client=client).json["size"] == 1000
    assert post(b"", length=1001, client=client, status=413).json["code"] == "file_too_large"
    assert post_form(b"", length=1_000_000, client=client, status=413).json["code"] == "file_too_large"
    over = post_form(form(("file", "a", b"a" * 1001)), client=client, status=413)
    assert over.json["code"] == "file_too_large"
    assert [file["size"] for file in client.get(FILES).json["items"]] == [1000]


def test_who_may_upload(app, post, post_form, nothing_left):
    assert post(b"a", client=app, status=401).json["code"] == "unauthorized"
    post_form(form(("file", "a", b"x")), client=app, status=401)
    nothing_left()


def test_with_cookies_a_form_needs_the_token(app, make_person, post_form):
    browser, signing_in = app.anonymous(), {"email": make_person("student").email, "password": PASSWORD}
    token = browser.post_json("/api/v1/auth/login", signing_in).json["csrfToken"]
    body = form(("file", "a", b"x"))
    assert post_form(body, client=browser, status=403).json["code"] == "csrf_failed"
    post_form(body, client=browser, headers={"X-CSRF-Token": token}, status=201)


def test_a_storage_that_is_down_records_nothing(post, student, registry, monkeypatch, tmp_path, nothing_left):
    (tmp_path / "store").write_text("not a folder")
    monkeypatch.setattr(registry, "storage", LocalStorage(tmp_path / "store"))
    answer = post(PNG, status=503)
    assert answer.json["code"] == "storage_unavailable"
    assert int(answer.headers["Retry-After"]) > 0
    nothing_left()


class Watching(io.BytesIO):
    """A body that looks, whenever it is read, how many connections are in use."""

    def __init__(self, content, core):
        super().__init__(content)
        self.core, self.seen = core, set()

    def read(self, size=-1, /):
        self.seen.add((self.core.engine.pool.checkedout(), self.core.readers.pool.checkedout()))
        return super().read(size)


@pytest.mark.parametrize("headers", [{}, {"Idempotency-Key": "k1"}])
def test_no_connection_is_held_while_bytes_come_in(student, core, settings, headers):
    """Or some slow senders, each with a key, would take every one there is."""
    content = b"a" * (settings.integer("lms.web.body_limit") + 100_000)
    given = {"Authorization": " ".join(student.client.authorization), **headers}
    request = student.client.RequestClass.blank(FILES, method="POST", headers=given)
    request.environ["wsgi.input"] = body = Watching(content, core)
    request.content_length = len(content)
    assert student.client.do_request(request).json["size"] == len(content)
    assert body.seen == {(0, 0)}


def test_twins_at_the_same_time_are_one_file(student, post, core, registry, monkeypatch, settings):
    """The second one comes while the first is at work, and both are done before either is committed."""
    put, met, codes = registry.storage.put, threading.Barrier(2), []

    def meeting(key, stream):
        stored = put(key, stream)
        met.wait()
        return stored

    monkeypatch.setattr(registry.storage, "put", meeting)

    def one(client):
        codes.append(post(b"once", client=client, headers={"Idempotency-Key": "k1"}, status="*").status_int)

    clients = [student.client.bearer(student.client.authorization[1]) for _each in range(2)]
    threads = [threading.Thread(target=one, args=(client,)) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(codes) == [201, 409]
    with core.transaction() as db:
        [file] = db.scalars(select(FileUpload)).all()
    assert [path.name for path in (settings.data / "files").rglob("*") if path.is_file()] == [file.storage_path]
    monkeypatch.undo()
    again = post(b"once", headers={"Idempotency-Key": "k1"}, status=201)
    assert (again.json["id"], again.headers["Idempotent-Replayed"]) == (str(file.id), "true")


def test_the_same_upload_sent_twice_is_one_file(post, student, core):
    first = post(b"once", "?name=a", headers={"Idempotency-Key": "k1"}, status=201)
    again = post(b"once", "?name=a", headers={"Idempotency-Key": "k1"}, status=201)
    assert again.json == first.json
    assert again.headers["Location"] == first.headers["Location"]
    with core.transaction() as db:
        assert len(db.scalars(select(FileUpload.id)).all()) == 1
        assert db.scalars(select(FileClaim.id)).all() == []
