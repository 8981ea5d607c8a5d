"""Lists of files, and their end."""

import datetime as dt
import threading
import uuid

import pytest
from sqlalchemy import literal, select, update

from lms_core.files.models import FileUpload
from lms_core.files.service import delete_file, hold_files
from lms_core.kernel.errors import Conflict
from lms_core.testing.courses import make_course

FILES = "/api/v1/files"


@pytest.fixture
def used(registry, monkeypatch):
    """``used(condition)``: files are in use under one more condition."""
    return lambda condition: monkeypatch.setattr(registry, "file_uses", [*registry.file_uses, condition])


@pytest.fixture
def attach(core, instructor):
    """``attach(file)``: a lesson of a published course has the file."""

    def make(file):
        course = make_course(core, instructor.id)
        with core.transaction() as db:
            from lms_core.courses.models import Lesson

            attachments = [{"fileId": str(file.id), "name": file.file_name}]
            db.execute(update(Lesson).where(Lesson.id == course.lessons[0]).values(attachments=attachments))
        return course

    return make


def names(answer):
    return [file["name"] for file in answer.json["items"]]


def test_ones_own_files_the_newest_first(stored, student, make_person):
    for number in range(5):
        stored(student, name=f"{number}.txt")
    stored(make_person("student"), name="other.txt")
    first = student.client.get(f"{FILES}?limit=3")
    assert names(first) == ["4.txt", "3.txt", "2.txt"]
    rest = student.client.get(f"{FILES}?limit=3&cursor={first.json['next']}")
    assert (names(rest), rest.json["next"]) == (["1.txt", "0.txt"], None)


def test_by_kind(stored, student):
    stored(student, name="words.txt")
    stored(student, b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "dot.png")
    assert names(student.client.get(f"{FILES}?type=image")) == ["dot.png"]
    assert names(student.client.get(f"{FILES}?type=video")) == []
    assert student.client.get(f"{FILES}?type=films", status=422).json["errors"]["type"]


def test_administrators_see_everybodys(stored, student, instructor, admin):
    stored(student, name="a")
    stored(instructor, name="b")
    assert names(admin.client.get(FILES)) == ["b", "a"]
    assert names(admin.client.get(f"{FILES}?uploadedBy={student.id}")) == ["a"]
    assert names(instructor.client.get(f"{FILES}?uploadedBy={student.id}")) == []
    assert names(instructor.client.get(f"{FILES}?uploadedBy={instructor.id}")) == ["b"]


def test_nobody_has_no_list(app):
    assert app.get(FILES, status=401).json["code"] == "unauthorized"


def test_a_list_costs_two_statements(stored, student, statements):
    for number in range(30):
        stored(student, name=str(number))
    student.client.get(FILES)
    with statements() as seen:
        assert len(student.client.get(f"{FILES}?limit=25").json["items"]) == 25
    assert seen.count == 2, seen


@pytest.mark.parametrize("cursor", ["x", "", "bm90IG91cnM"])
def test_a_cursor_of_somebody_else(student, cursor):
    assert student.client.get(f"{FILES}?cursor={cursor}", status=422).json["code"] == "cursor_invalid"


def test_what_is_deleted_is_gone_for_everybody(stored, student, admin, registry):
    file = stored(student)
    path = f"{FILES}/{file.id}"
    student.client.delete(path, status=204)
    for client in (student.client, admin.client):
        for gone in (path, f"{path}/content"):
            assert client.get(gone, status=404).json["code"] == "not_found"
        client.delete(path, status=404)
        assert names(client.get(FILES)) == []
    assert registry.storage.exists(file.storage_path)


def test_who_may_delete(stored, student, instructor, admin, app, core, registry, monkeypatch):
    file = stored(student)
    path = f"{FILES}/{file.id}"
    # Whoever may read it because of what it is attached to may not delete it.
    monkeypatch.setattr(registry, "file_access", [literal(True)])
    assert instructor.client.get(path).status_int == 200
    for client in (instructor.client, app):
        assert client.delete(path, status=404).json["code"] == "not_found"
    admin.client.delete(path, status=204)


def test_a_file_in_use_stays(stored, student, used):
    free, busy = stored(student, name="free"), stored(student, name="busy")
    used(FileUpload.file_name == "busy")
    assert student.client.delete(f"{FILES}/{busy.id}", status=409).json["code"] == "file_in_use"
    student.client.delete(f"{FILES}/{free.id}", status=204)
    assert names(student.client.get(FILES)) == ["busy"]


def test_a_file_of_a_lesson_is_in_use_until_the_course_is_gone(stored, instructor, attach, core):
    from lms_core.courses.models import Course

    file = stored(instructor)
    course = attach(file)
    path = f"{FILES}/{file.id}"
    assert instructor.client.delete(path, status=409).json["code"] == "file_in_use"
    with core.transaction() as db:
        db.execute(update(Course).where(Course.id == course.id).values(deleted_at=core.clock()))
    instructor.client.delete(path, status=204)


def test_whoever_attaches_a_file_keeps_it_from_being_deleted(stored, student, core):
    """The deletion waits for the one who holds the file, and then sees what they did."""
    file = stored(student)
    outcome = []

    def remove():
        try:
            with core.transaction() as db:
                waiting.set()
                delete_file(db, core, [FileUpload.file_name == "attached"], file.id)
        except Conflict as error:
            outcome.append(error.code)

    waiting = threading.Event()
    thread = threading.Thread(target=remove)
    with core.transaction() as db:
        [held] = hold_files(db, [file.id, uuid.uuid4()])
        assert held.id == file.id
        thread.start()
        waiting.wait()
        db.execute(update(FileUpload).where(FileUpload.id == file.id).values(file_name="attached"))
    thread.join()
    assert outcome == ["file_in_use"]


def test_a_deleted_file_cannot_be_held(stored, student, core):
    file = stored(student)
    student.client.delete(f"{FILES}/{file.id}")
    with core.transaction() as db:
        assert hold_files(db, [file.id]) == []


def test_bytes_go_when_their_time_is_over(stored, student, core, registry, run_periodic, deliver, settings):
    kept, old, living = (stored(student, name=name) for name in ("kept", "old", "living"))
    for file in (kept, old):
        student.client.delete(f"{FILES}/{file.id}")
    long_ago = core.clock() - dt.timedelta(seconds=settings.seconds("lms.files.keep_deleted") + 1)
    with core.transaction() as db:
        db.execute(update(FileUpload).where(FileUpload.id == old.id).values(deleted_at=long_ago))
    run_periodic("files.purge")
    deliver()
    assert [registry.storage.exists(file.storage_path) for file in (kept, old, living)] == [True, False, True]
    with core.transaction() as db:
        assert set(db.scalars(select(FileUpload.id))) == {kept.id, living.id}
