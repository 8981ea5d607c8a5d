"""A file that is moved to another backend while somebody reads it."""

import io

import pytest
from sqlalchemy import update
from structlog.testing import capture_logs

from lms_core.files.models import FileUpload, Rendition
from lms_core.files.moving import Move
from lms_core.files.reading import has_content, open_file
from lms_core.files.storage import StorageUnavailable, new_key
from lms_core.testing.storages import CONTENT


@pytest.fixture
def move(core, storages):
    """``move(file, to)``: as a migration does it: the copy, the row, the old object."""

    def move(file, to):
        with core.transaction() as db:
            row = db.get_one(FileUpload, file.id)
            before = storages.of(row.storage_provider)
            with before.open(row.storage_path) as stream:
                storages.of(to).put(row.storage_path, stream)
            db.execute(update(FileUpload).where(FileUpload.id == file.id).values(storage_provider=to))
        before.delete(file.storage_path)

    return move


def test_a_row_that_was_read_before_the_move_is_followed(core, storages, move, stored, student):
    file = stored(student, CONTENT)
    move(file, "gcs")
    with open_file(core, storages, file) as stream:
        assert stream.read() == CONTENT
        stream.seek(10)
        assert stream.read(5) == CONTENT[10:15]


def test_reading_goes_on_where_the_file_is_now(core, storages, move, stored, student):
    file = stored(student, CONTENT)
    move(file, "gcs")
    with core.transaction() as db:
        row = db.get_one(FileUpload, file.id)
    with open_file(core, storages, row) as stream:
        assert stream.read(1000) == CONTENT[:1000]
        move(file, "local")
        assert stream.read() == CONTENT[1000:]
        assert stream.tell() == len(CONTENT)


def test_whether_it_is_there_is_asked_where_it_is_now(core, storages, move, stored, student):
    file = stored(student, CONTENT)
    assert has_content(core, storages, file)
    move(file, "gcs")
    assert has_content(core, storages, file)
    storages.of("gcs").delete(file.storage_path)
    assert not has_content(core, storages, file)


def test_it_may_be_moved_more_than_once(core, storages, move, stored, student):
    file = stored(student, CONTENT)
    for to in ("gcs", "local", "gcs"):
        move(file, to)
    with core.transaction() as db:
        row = db.get_one(FileUpload, file.id)
    with open_file(core, storages, row) as stream:
        assert stream.read(10) == CONTENT[:10]
        move(file, "local")
        assert stream.read(400_000) == CONTENT[10:400_010]
        move(file, "gcs")
        assert stream.read() == CONTENT[400_010:]


def test_a_download_goes_on(student, storages, move, stored, app):
    file = stored(student, CONTENT)
    move(file, "gcs")
    request = student.client.app
    body = _begun(student, request, f"/api/v1/files/{file.id}/content")
    first = next(body)
    move(file, "local")
    assert first + b"".join(body) == CONTENT


def _begun(student, app, path):
    """The chunks of an answer that the server has begun to send."""
    from webob import Request

    request = Request.blank(path, headers={"Authorization": f"Bearer {student.client.authorization[1]}"})
    answer = request.get_response(app)
    assert answer.status_int == 200
    return iter(answer.app_iter)


def test_what_another_table_names_is_followed_too(core, storages, move, stored, student):
    """Thumbnails, and the parts of uploads."""
    file = stored(student, CONTENT)
    with core.transaction() as db:
        made = Rendition(
            file_id=file.id, name="thumbnail", mime_type="image/png", width=1, height=1, file_size=len(CONTENT),
            checksum="0" * 64, storage_provider="local", storage_path=new_key(),
        )  # fmt: skip
        storages.of("local").put(made.storage_path, io.BytesIO(CONTENT))
        db.add(made)
    assert Move(core, storages.of("local"), storages.of("gcs")).run().failed == [
        (
            f"renditions ({made.storage_path})",
            "the object in local is damaged: it does not have the checksum of its row",
        )
    ]
    with core.transaction() as db:
        db.get_one(Rendition, made.id).checksum = file.checksum
    assert Move(core, storages.of("local"), storages.of("gcs")).run().files == 1
    with open_file(core, storages, made) as stream:
        assert stream.read() == CONTENT


def test_what_is_lost_is_not_looked_for_for_ever(core, storages, stored, student, move):
    file = stored(student, CONTENT)
    move(file, "gcs")
    storages.of("gcs").delete(file.storage_path)
    with capture_logs() as logged, pytest.raises(StorageUnavailable):
        open_file(core, storages, file)
    assert [line["file"] for line in logged if line["event"] == "file_unreadable"] == [str(file.id)]


def test_a_file_that_is_forgotten_meanwhile_is_unavailable(core, storages, stored, student):
    file = stored(student, CONTENT)
    with core.transaction() as db:
        db.delete(db.get_one(FileUpload, file.id))
    storages.of("local").delete(file.storage_path)
    with pytest.raises(StorageUnavailable):
        open_file(core, storages, file)
