"""Who asked for an export or an import is told once it has ended, whichever way."""

import pytest
from sqlalchemy import select, text, update

from lms_core.courses.exchange.events import ExportEnded
from lms_core.courses.exchange.models import CourseExport, CourseImport
from lms_core.courses.models import Course
from lms_core.files.models import FileUpload
from lms_core.kernel.delivery import deliver as deliver_to
from lms_core.kernel.models import Outbox
from lms_core.testing.cartridges import write_cartridge
from lms_core.testing.courses import make_course
from lms_core.testing.files import make_file

INBOX = "/api/v1/notifications"
KINDS = {"course_exported", "export_failed", "course_imported", "import_failed"}
MODULES = {"One": {"Page": "<p>Some words.</p>"}}


@pytest.fixture
def teacher(make_person):
    return make_person("instructor", preferred_language="de")


@pytest.fixture
def course(core, instructor, deliver):
    made = make_course(core, instructor.id, title="Bread & wine")
    deliver()
    return made


@pytest.fixture
def export(deliver):
    """``export(person, course)``: asked for and worked off; the job as it was answered."""

    def export(person, course):
        job = person.client.post_json(f"/api/v1/courses/{course.id}/exports", {}, status=202).json
        deliver()
        return job

    return export


@pytest.fixture
def bring(registry, deliver):
    """``bring(person, data)``: an upload imported; the job as it was answered."""

    def bring(person, data, name="bread.imscc"):
        file_id = str(make_file(registry, person.id, data, name).id)
        job = person.client.post_json("/api/v1/courses/import", {"fileId": file_id}, status=202).json
        deliver()
        return job

    return bring


def news(person):
    return [each for each in person.client.get(INBOX).json["items"] if each["type"] in KINDS]


def words(notice):
    return notice["type"], notice["title"], notice["message"]


def cartridge(folder, more=None):
    return write_cartridge(folder / "bread.imscc", "Bread", MODULES, more or {}).read_bytes()


def test_who_asked_for_an_export_hears_that_it_is_ready(core, instructor, student, admin, course, export):
    job = export(instructor, course)
    [told] = news(instructor)
    assert words(told) == ("course_exported", "Your export of Bread & wine is ready", "You can download the file now.")
    assert told["data"] == {"exportId": job["id"], "courseId": str(course.id), "courseTitle": "Bread & wine"}
    assert told["actionUrl"] == f"/courses/{course.id}/exports/{job['id']}"
    assert news(student) == news(admin) == []
    export(admin, course)
    assert len(news(admin)) == len(news(instructor)) == 1, "each of what they asked for"
    with core.transaction() as db:
        db.execute(text("UPDATE notifications SET expires_at = expires_at - interval '8 days'"))
    assert news(instructor) == [], "it goes with the file"


def test_who_asked_for_an_import_hears_what_became_of_it(teacher, bring, tmp_path):
    job = bring(teacher, cartridge(tmp_path))
    course_id = teacher.client.get(f"/api/v1/imports/{job['id']}").json["courseId"]
    [told] = news(teacher)
    message = "Alles ist mitgekommen; sehen Sie es durch, bevor Sie es veröffentlichen."
    assert words(told) == ("course_imported", "Bread ist importiert", message)
    assert told["data"] == {"importId": job["id"], "courseId": course_id, "courseTitle": "Bread", "skipped": 0}
    assert told["actionUrl"] == f"/courses/{course_id}/edit"


def test_what_was_left_out_is_counted(instructor, bring, tmp_path):
    pages = {"One": {"Page": '<p><img src="gone.png"></p>'}}
    job = bring(instructor, write_cartridge(tmp_path / "bread.imscc", "Bread", pages, {}).read_bytes())
    left_out = len(instructor.client.get(f"/api/v1/imports/{job['id']}").json["skipped"])
    assert left_out > 0
    [told] = news(instructor)
    assert told["message"] == f"Not everything could be brought; the report names {left_out} points."
    assert told["data"]["skipped"] == left_out


def test_a_failure_is_told_with_its_reason_in_ones_language(teacher, bring):
    job = bring(teacher, b"this is no cartridge", "Wörter.txt")
    [told] = news(teacher)
    detail = teacher.client.get(f"/api/v1/imports/{job['id']}").json["detail"]
    assert words(told) == ("import_failed", "Der Import von Wörter.txt ist misslungen", detail)
    assert "Format" in detail
    assert told["data"] == {"importId": job["id"], "fileName": "Wörter.txt"}


def test_a_failure_that_nobody_can_explain(core, instructor, course, deliver):
    job = instructor.client.post_json(f"/api/v1/courses/{course.id}/exports", {}, status=202).json
    with core.transaction() as db:
        db.execute(update(CourseExport).values(attempts=5, status="running"))
    deliver()
    [told] = news(instructor)
    reason = "Something went wrong on our side. Try again, or ask who runs this site."
    assert words(told) == ("export_failed", "Your export of Bread & wine has failed", reason)
    assert told["data"]["exportId"] == job["id"]


def test_a_job_that_waits_for_another_try_has_not_ended(core, registry, instructor, bring, tmp_path):
    file_id = make_file(registry, instructor.id, cartridge(tmp_path), "bread.imscc").id
    with core.transaction() as db:
        db.execute(update(FileUpload).where(FileUpload.id == file_id).values(storage_provider="s3"))
    instructor.client.post_json("/api/v1/courses/import", {"fileId": str(file_id)}, status=202)
    with core.reader() as db:
        [event_id] = db.scalars(select(Outbox.event_id).where(Outbox.name == "courses.import_requested"))
    deliver_to(registry, "courses.import", [event_id])
    with core.reader() as db:
        assert db.execute(select(CourseImport.status, CourseImport.error)).one() == ("pending", "storage_unavailable")
        assert db.scalars(select(Outbox.id).where(Outbox.name == "courses.import_ended")).all() == []
    assert news(instructor) == []


def test_a_redelivery_and_a_job_that_is_gone_tell_nobody(core, registry, instructor, course, export):
    export(instructor, course)
    with core.reader() as db:
        events = db.scalars(select(Outbox.event_id).where(Outbox.name == ExportEnded.name)).all()
    deliver_to(registry, "notifications.export_ended", events, again=True)
    assert len(news(instructor)) == 1
    with core.transaction() as db:
        db.execute(text("DELETE FROM event_ledger"))
        db.execute(text("DELETE FROM course_exports"))
        assert db.scalars(select(Course.id)).all() == [course.id]
    deliver_to(registry, "notifications.export_ended", events, again=True)
    assert len(news(instructor)) == 1
