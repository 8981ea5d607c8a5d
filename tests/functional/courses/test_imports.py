"""Imports over HTTP: an uploaded file becomes a course in a worker, whole or not at all."""

import json
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import func, select, text, update

from lms_core.accounts.models import User
from lms_core.courses.exchange import service
from lms_core.courses.exchange.events import ImportRequested
from lms_core.courses.exchange.models import CourseImport
from lms_core.courses.lifecycle.service import delete
from lms_core.courses.models import Course
from lms_core.files.claims import LEASE
from lms_core.files.models import FileClaim, FileUpload
from lms_core.files.service import claimed
from lms_core.kernel.errors import Conflict
from lms_core.kernel.events import publish
from lms_core.kernel.outbox import deliver_pending
from lms_core.testing.cartridges import write_cartridge
from lms_core.testing.portraits import portrait
from tests.functional.courses.rich import make_rich_course

URL = "/api/v1/courses/import"
MODULES = {"One": {"Page": "<p>Some words.</p>", "Web": "https://example.org/"}}


@pytest.fixture
def cartridge(tmp_path):
    return write_cartridge(tmp_path / "bread.imscc", "Bread", MODULES, {"left.txt": b"over"}).read_bytes()


def upload(person, data, name="bread.imscc"):
    headers = {"Content-Type": "application/octet-stream"}
    return person.client.send("POST", f"/api/v1/files?name={name}", data, headers=headers, status=201).json["id"]


def ask(person, file_id, status=202, **wanted):
    return person.client.post_json(URL, {"fileId": file_id, **wanted}, status=status)


def read(person, job):
    return person.client.get(f"/api/v1/imports/{job['id']}").json


def courses(core):
    with core.transaction() as db:
        return db.scalar(select(func.count()).select_from(Course))


def test_a_worker_makes_the_course(app, core, instructor, cartridge, deliver):
    file_id = upload(instructor, cartridge)
    answer = ask(instructor, file_id, publish=True)
    job = answer.json
    assert answer.headers["Location"] == f"http://localhost/api/v1/imports/{job['id']}"
    assert (job["status"], job["courseId"], job["publish"]) == ("pending", None, True)
    assert courses(core) == 0
    deliver()
    job = read(instructor, job)
    assert [job[key] for key in ("status", "error", "modules", "lessons", "files")] == ["done", None, 2, 3, 1]
    assert job["skipped"] == []
    course = app.get(f"/api/v1/courses/{job['courseId']}").json
    assert (course["title"], course["instructor"]["id"]) == ("Bread", str(instructor.id))


def test_a_draft_is_a_draft(app, instructor, cartridge, deliver):
    job = ask(instructor, upload(instructor, cartridge)).json
    deliver()
    job = read(instructor, job)
    app.get(f"/api/v1/courses/{job['courseId']}", status=404)
    assert instructor.client.get(f"/api/v1/courses/{job['courseId']}").json["isPublished"] is False


def test_a_course_travels_from_teacher_to_teacher(registry, core, instructor, make_person, deliver):
    course_id = make_rich_course(registry, instructor.id)
    deliver()
    wanted = portrait(registry, course_id)
    exported = instructor.client.post_json(f"/api/v1/courses/{course_id}/exports", {}, status=202).json
    deliver()
    data = instructor.client.get(f"/api/v1/exports/{exported['id']}/content").body
    with core.transaction() as db:
        delete(db, core, course_id)
    other = make_person("instructor")
    job = ask(other, upload(other, data)).json
    deliver()
    job = read(other, job)
    assert (job["status"], job["skipped"]) == ("done", [])
    deliver()
    assert portrait(registry, job["courseId"]) == wanted


def test_what_was_not_brought_is_told_in_the_language_of_who_asked(make_person, tmp_path, deliver):
    author = make_person("instructor", preferred_language="de")
    path = write_cartridge(tmp_path / "a.imscc", "A", {"M": {"Nowhere": "https://"}})
    job = ask(author, upload(author, path.read_bytes())).json
    deliver()
    assert read(author, job)["skipped"] == [{"name": "Nowhere", "reason": "Dieser Link hat keine Webadresse."}]


# Who may, and what.


def test_who_may_import(app, student, instructor, admin, cartridge):
    app.post_json(URL, {"fileId": "00000000-0000-0000-0000-000000000000"}, status=401)
    ask(student, upload(student, cartridge), status=403)
    ask(instructor, upload(instructor, cartridge))
    ask(admin, upload(admin, cartridge))


def test_only_files_of_ones_own(instructor, make_person, admin, cartridge):
    others = upload(make_person("instructor"), cartridge)
    deleted = upload(instructor, cartridge)
    instructor.client.delete(f"/api/v1/files/{deleted}", status=204)
    for file_id in (others, deleted, "00000000-0000-0000-0000-000000000000"):
        assert ask(instructor, file_id, status=422).json["code"] == "file_unknown"
        assert ask(admin, file_id, status=422).json["code"] == "file_unknown"
    for body in ({}, {"fileId": "1"}, {"fileId": others, "other": 1}, {"fileId": others, "publish": "yes please"}):
        assert instructor.client.post_json(URL, body, status=422).json["code"] == "invalid"


def test_a_job_is_its_requesters_alone(app, instructor, admin, cartridge):
    job = ask(instructor, upload(instructor, cartridge)).json
    for client in (app, admin.client):
        client.get(f"/api/v1/imports/{job['id']}", status=404)


def test_one_import_at_a_time(instructor, admin, cartridge, deliver):
    file_id = upload(instructor, cartridge)
    first = ask(instructor, file_id).json
    refused = ask(instructor, file_id, status=409).json
    assert (refused["code"], refused["importId"]) == ("import_running", first["id"])
    ask(admin, upload(admin, cartridge))
    deliver()
    ask(instructor, file_id)


def test_of_two_who_ask_at_once_one_is_told_so(core, instructor, cartridge):
    file_id = upload(instructor, cartridge)

    def request(_number):
        try:
            with core.transaction() as db:
                return service.request_import(db, instructor.id, file_id, publish_it=False)
        except Conflict as error:
            return error.code

    with ThreadPoolExecutor(8) as threads:
        outcomes = list(threads.map(request, range(8)))
    assert outcomes.count("import_running") == 7


def test_a_file_is_kept_until_it_was_imported(instructor, cartridge, deliver):
    file_id = upload(instructor, cartridge)
    job = ask(instructor, file_id).json
    assert instructor.client.delete(f"/api/v1/files/{file_id}", status=409).json["code"] == "file_in_use"
    deliver()
    instructor.client.delete(f"/api/v1/files/{file_id}", status=204)
    assert read(instructor, job)["status"] == "done"


# What goes wrong.


@pytest.fixture
def traces(core):
    """``traces()`` -> how many courses, files and claims on a quota there are."""

    def count():
        with core.transaction() as db:
            return [db.scalar(select(func.count()).select_from(model)) for model in (Course, FileUpload, FileClaim)]

    return count


@pytest.mark.parametrize(
    ("data", "name", "code"),
    [
        (b"not a course", "notes.txt", "import_unknown_format"),
        (b"not a course", "notes.imscc", "import_invalid"),
        (b"PK\x03\x04" + b"\xff" * 100, "broken.imscc", "import_invalid"),
        (b"", "empty.imscc", "import_invalid"),
    ],
)
def test_what_is_no_course_is_said_to_be_none(instructor, traces, deliver, data, name, code):
    file_id = upload(instructor, data, name)
    before, job = traces(), ask(instructor, file_id).json
    deliver()
    job = read(instructor, job)
    assert (job["status"], job["error"], job["courseId"]) == ("failed", code, None)
    assert job["detail"]
    assert traces() == before


def test_a_stream_that_breaks_leaves_nothing(toy_registry, instructor, traces):
    files = {
        "first": {"name": "first.txt", "text": "stored already"},
        "second": {"name": "second.txt", "text": "stored as well", "breaks": True},
    }
    lessons = [{"title": key, "file": key} for key in files]
    toy = {"title": "Toy", "modules": [{"title": "M", "lessons": lessons}], "files": files}
    file_id = upload(instructor, json.dumps(toy).encode(), "course.toy")
    before, job = traces(), ask(instructor, file_id).json
    deliver_pending(toy_registry)
    assert [read(instructor, job)[key] for key in ("status", "error")] == ["failed", "import_invalid"]
    assert traces() == before


QUOTA = 100_000


@pytest.fixture
def large(tmp_path):
    """A small cartridge of large files: together they take 60,000 bytes."""
    files = {f"{number}.txt": f"{number}".encode() * 20_000 for number in range(3)}
    return write_cartridge(tmp_path / "large.imscc", "Large", {"One": {"Page": "<p>Words.</p>"}}, files).read_bytes()


def test_what_is_imported_is_within_the_quota_of_who_asked(core, instructor, make_app, large, traces):
    registry = make_app(lms__files__teacher_quota=QUOTA).app.registry
    file_id = upload(instructor, large)
    job = ask(instructor, file_id).json
    deliver_pending(registry)
    assert read(instructor, job)["status"] == "done"
    used = instructor.client.get("/api/v1/users/me").json["storageUsedBytes"]
    assert used == 60_000 + len(large)
    before, job = traces(), ask(instructor, file_id).json
    deliver_pending(registry)
    job = read(instructor, job)
    assert [job[key] for key in ("status", "error", "courseId")] == ["failed", "quota_exceeded", None]
    assert job["detail"] == f"Your files may take {QUOTA} bytes, of which {QUOTA - used} are left."
    assert traces() == before
    assert before[-1] == 0


def test_who_is_over_the_quota_still_imports_what_needs_no_room(instructor, make_app, tmp_path):
    path = write_cartridge(tmp_path / "words.imscc", "Words", {"One": {"Page": "<p>Words.</p>"}})
    job = ask(instructor, upload(instructor, path.read_bytes())).json
    deliver_pending(make_app(lms__files__teacher_quota=1).app.registry)
    assert read(instructor, job)["status"] == "done"


def test_room_that_something_else_has_claimed_is_not_taken(core, instructor, make_app, large, traces):
    registry = make_app(lms__files__teacher_quota=QUOTA).app.registry
    job = ask(instructor, upload(instructor, large)).json
    with claimed(core, instructor.id, 50_000, 0):
        before = traces()
        deliver_pending(registry)
        assert traces() == before
    assert read(instructor, job)["error"] == "quota_exceeded"


def test_what_a_killed_worker_had_claimed_does_not_stand_in_the_way_of_the_next(core, instructor, make_app, large):
    registry = make_app(lms__files__teacher_quota=QUOTA).app.registry
    job = ask(instructor, upload(instructor, large)).json
    with core.transaction() as db:
        until = core.clock() + LEASE
        db.add(FileClaim(id=uuid.UUID(job["id"]), user_id=instructor.id, size=60_000, expires_at=until))
    deliver_pending(registry)
    assert read(instructor, job)["status"] == "done"
    with core.transaction() as db:
        assert db.scalars(select(FileClaim.id)).all() == []


def test_a_course_that_may_not_be_published_is_not_imported(instructor, traces, tmp_path, deliver):
    path = write_cartridge(tmp_path / "a.imscc", "A", {"Empty": {}})
    file_id = upload(instructor, path.read_bytes())
    before, job = traces(), ask(instructor, file_id, publish=True).json
    deliver()
    assert [read(instructor, job)[key] for key in ("status", "error")] == ["failed", "course_incomplete"]
    assert traces() == before


def test_who_lost_the_right_meanwhile_gets_no_course(core, instructor, cartridge, traces, deliver):
    file_id = upload(instructor, cartridge)
    before, job = traces(), ask(instructor, file_id).json
    with core.transaction() as db:
        db.execute(text("DELETE FROM user_groups WHERE user_id = :id"), {"id": instructor.id})
    deliver()
    with core.transaction() as db:
        made = db.get(CourseImport, job["id"])
        assert (made.status, made.error) == ("failed", "instructor_not_allowed")
    assert traces() == before


def test_who_was_suspended_meanwhile_gets_no_course(core, instructor, cartridge, traces, deliver):
    file_id = upload(instructor, cartridge)
    before, job = traces(), ask(instructor, file_id).json
    with core.transaction() as db:
        db.execute(update(User).where(User.id == instructor.id).values(is_active=False))
    deliver()
    with core.transaction() as db:
        assert db.get(CourseImport, job["id"]).error == "instructor_unknown"
    assert traces() == before


def test_an_infected_file_is_not_opened(core, instructor, cartridge, traces, deliver):
    file_id = upload(instructor, cartridge)
    before, job = traces(), ask(instructor, file_id).json
    with core.transaction() as db:
        db.execute(update(FileUpload).values(virus_scan_result="infected"))
    deliver()
    assert [read(instructor, job)[key] for key in ("status", "error")] == ["failed", "file_infected"]
    assert traces() == before


def test_a_storage_that_is_down_is_waited_for(core, instructor, cartridge, deliver):
    job = ask(instructor, upload(instructor, cartridge)).json
    with core.transaction() as db:
        db.execute(update(FileUpload).values(storage_provider="elsewhere"))
    deliver()
    assert [read(instructor, job)[key] for key in ("status", "error")] == ["pending", "storage_unavailable"]
    with core.transaction() as db:
        db.execute(update(FileUpload).values(storage_provider="local"))
        db.execute(text("UPDATE delivery_failures SET retry_at = now() - interval '1 s'"))
        db.execute(text("UPDATE outbox SET lease_until = now() - interval '1 s' WHERE finished_at IS NULL"))
    deliver()
    assert read(instructor, job)["status"] == "done"


def test_an_event_that_comes_twice_makes_one_course(core, instructor, cartridge, deliver):
    job = ask(instructor, upload(instructor, cartridge)).json
    deliver()
    with core.transaction() as db:
        publish(db, ImportRequested(job["id"]))
    deliver()
    assert courses(core) == 1


def test_a_name_is_no_path(app, core, instructor, cartridge, deliver):
    job = ask(instructor, upload(instructor, cartridge, "..%2F..%2Fevil%00.imscc")).json
    deliver()
    assert read(instructor, job)["status"] == "done"


def test_what_has_expired_is_forgotten_and_the_course_stays(core, instructor, cartridge, deliver, run_periodic):
    job = ask(instructor, upload(instructor, cartridge)).json
    deliver()
    with core.transaction() as db:
        db.execute(update(CourseImport).values(expires_at=func.now() - text("interval '1 s'")))
    run_periodic("courses.purge_jobs")
    instructor.client.get(f"/api/v1/imports/{job['id']}", status=404)
    assert courses(core) == 1
