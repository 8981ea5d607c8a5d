"""Files over HTTP: who gets them, and how they are handed out."""

import hashlib

import pytest
from pyramid.config import Configurator
from sqlalchemy import literal, update
from structlog.testing import capture_logs

from lms_core.files import access
from lms_core.files.models import FileUpload
from lms_core.kernel.security import CALLER

PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(range(256)) * 2000
SHA256 = hashlib.sha256(PNG).hexdigest()


@pytest.fixture
def upload(stored):
    """``upload(owner, content, name)`` -> the path of a stored file."""

    def make(owner, content=PNG, name="Übung 1.png"):
        return f"/api/v1/files/{stored(owner, content, name).id}"

    return make


@pytest.fixture
def granted(registry, monkeypatch):
    """``granted(condition)`` lets files be read under one more condition."""
    return lambda condition: monkeypatch.setattr(registry, "file_access", [*registry.file_access, condition])


def test_the_owner_reads_what_is_known_of_a_file(upload, student):
    path = upload(student)
    answer = student.client.get(path)
    file = answer.json
    assert answer.headers["ETag"].startswith(f'"{SHA256}')
    assert file.pop("uploadedAt").endswith("Z")
    assert file == {
        "id": path.rpartition("/")[2],
        "name": "Übung 1.png",
        "size": len(PNG),
        "type": "image",
        "mimeType": "image/png",
        "checksum": SHA256,
        "scanStatus": "skipped",
        "thumbnailUrl": None,
        "uploadedBy": str(student.id),
    }


def test_who_else_may_have_a_file(upload, student, make_person, admin, app, granted):
    path = upload(student)
    other = make_person("instructor")
    for client in (student.client, admin.client):
        assert client.get(path).status_int == 200
        assert client.get(f"{path}/content").body == PNG
    for client in (other.client, app):
        assert client.get(path, status=404).json["code"] == "not_found"
        assert client.get(f"{path}/content", status=404).json["code"] == "not_found"
    granted(literal(other.id) == CALLER)
    assert other.client.get(f"{path}/content").body == PNG
    app.get(path, status=404)
    granted(FileUpload.mime_type == "image/png")
    assert app.get(f"{path}/content").body == PNG


def test_what_is_not_there_looks_the_same(upload, core, student):
    path = upload(student)
    with core.transaction() as db:
        db.execute(update(FileUpload).values(deleted_at=core.clock()))
    for gone in (path, f"{path}/content", "/api/v1/files/00000000-0000-4000-8000-000000000000", "/api/v1/files/x"):
        assert student.client.get(gone, status=404).json["code"] == "not_found"
    assert student.client.get("/api/v1/files").json["items"] == []


def test_reading_a_file_takes_two_statements(upload, student, statements):
    path = upload(student)
    student.client.get(f"{path}/content")
    with statements() as seen:
        student.client.get(f"{path}/content")
    assert seen.count == 2, seen  # The identity, and the file with everything that decides who may have it.


def test_content_is_never_a_page_of_ours(upload, student):
    picture = student.client.get(f"{upload(student)}/content")
    assert picture.content_type == "image/png"
    assert (
        picture.headers["Content-Disposition"]
        == "inline; filename=\"_bung 1.png\"; filename*=UTF-8''%C3%9Cbung%201.png"
    )
    assert picture.headers.getall("X-Content-Type-Options") == ["nosniff"]
    assert picture.headers["Content-Security-Policy"].endswith("; sandbox")
    assert picture.headers["Cache-Control"] == "private, no-cache"
    for active in (b"<!doctype html><script>1</script>", b"<svg onload='x()'/>", b"<?xml version='1.0'?><a/>", b"\0"):
        page = student.client.get(f"{upload(student, active, 'harmless.png')}/content")
        assert page.headers["Content-Disposition"].startswith("attachment;")
        assert page.headers["Content-Security-Policy"].endswith("; sandbox")
        assert page.body == active
    pdf = student.client.get(f"{upload(student, b'%PDF-1.7', 'a.pdf')}/content")
    assert pdf.headers["Content-Disposition"].startswith("inline;")
    assert pdf.headers["Content-Security-Policy"].startswith("default-src 'none'")
    text = student.client.get(f"{upload(student, 'größer'.encode(), 'a.txt')}/content")
    assert text.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert text.text == "größer"


def test_a_browser_asks_again_and_gets_nothing_new(upload, student):
    path = f"{upload(student)}/content"
    first = student.client.get(path)
    assert first.headers["ETag"] == f'"{SHA256}"'
    again = student.client.get(path, headers={"If-None-Match": first.headers["ETag"]}, status=304)
    assert again.body == b""
    head = student.client.head(path)
    assert (head.content_length, head.body) == (len(PNG), b"")


@pytest.mark.parametrize(
    ("asked", "part"),
    [
        ("bytes=0-3", slice(0, 4)),
        ("bytes=4-", slice(4, None)),
        ("bytes=-3", slice(-3, None)),
        ("bytes=-03", slice(-3, None)),
    ],
)
def test_a_range_is_served(upload, student, asked, part):
    answer = student.client.get(f"{upload(student)}/content", headers={"Range": asked}, status=206)
    assert answer.body == PNG[part]


@pytest.mark.parametrize(
    "asked",
    [
        "bytes=-0",
        "bytes=-00",
        "bytes=-",
        "bytes=a-b",
        "bytes=5-2",
        "bytes=0-1,5-6",
        "bytes=-" + "9" * 5000,
        "lines=1-2",
    ],
)
def test_a_range_that_is_none_is_no_range(upload, student, asked):
    """The whole file, which RFC 9110 allows, and never bytes that were not asked for."""
    answer = student.client.get(f"{upload(student)}/content", headers={"Range": asked}, status=200)
    assert answer.body == PNG


def test_a_range_behind_the_end_is_refused(upload, student):
    student.client.get(f"{upload(student)}/content", headers={"Range": f"bytes={len(PNG)}-"}, status=416)


def test_an_object_that_is_lost_is_said_to_be_unavailable(upload, student, registry, core):
    path = upload(student)
    with core.transaction() as db:
        registry.storage.delete(db.query(FileUpload).one().storage_path)
    answer = student.client.get(f"{path}/content", status=503)
    assert answer.json["code"] == "storage_unavailable"
    assert int(answer.headers["Retry-After"]) > 0


@pytest.mark.parametrize("provider", ["attic", "s3"])
def test_a_file_is_read_from_the_backend_that_its_row_names(upload, student, core, provider):
    """Though the object lies where new files go."""
    path = upload(student)
    with core.transaction() as db:
        db.execute(update(FileUpload).values(storage_provider=provider))
    with capture_logs() as logged:
        answer = student.client.get(f"{path}/content", status=503)
    assert answer.json["code"] == "storage_unavailable"
    assert answer.headers["Retry-After"] == "30"
    assert (logged[0]["event"], logged[0]["provider"]) == ("storage_not_set_up", provider)
    assert student.client.get(path).json["size"] == len(PNG)


def test_what_the_backend_said_is_logged(upload, student, registry, core):
    path = upload(student)
    with core.transaction() as db:
        registry.storage.delete(db.query(FileUpload).one().storage_path)
    with capture_logs() as logged:
        student.client.get(f"{path}/content", status=503)
    assert [line["event"] for line in logged] == ["file_unreadable", "storage_unavailable"]
    assert path.endswith(logged[0]["file"])
    assert "FileNotFoundError" in logged[1]["reason"]


def test_conditions_are_gathered_when_all_domains_are_configured():
    config = Configurator()
    config.include(access)
    known = []
    config.add_file_access(lambda: known[0])
    config.action("what a later domain registers", lambda: known.append(FileUpload.file_size == 1))
    config.commit()
    assert config.registry.file_access == known
