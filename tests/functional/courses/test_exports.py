"""Exports over HTTP: a job that a worker does, whatever happens meanwhile, and a file for who may have it."""

import io
import zipfile
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import EntryPoint, entry_points

import pytest
from sqlalchemy import func, select, text, update

import lms_core
from lms_core.courses.exchange import service
from lms_core.courses.exchange.events import ExportRequested
from lms_core.courses.exchange.models import CourseExport
from lms_core.courses.exporter import export_course
from lms_core.courses.lifecycle.service import delete
from lms_core.files.models import FileUpload
from lms_core.kernel.errors import Conflict
from lms_core.kernel.events import publish
from lms_core.kernel.models import AuditLog, DeadLetter
from lms_core.kernel.outbox import deliver_pending
from lms_core.kernel.plugins import GROUP, Plugins
from lms_core.testing.courses import make_course
from tests.functional.courses.rich import make_rich_course

BRITTLE = EntryPoint("brittle", "tests.fixtures.brittle_storage:plugin", GROUP)
ODD = EntryPoint("odd", "tests.fixtures.odd_exporters:plugin", GROUP)


@pytest.fixture
def course(core, instructor, deliver):
    """A published course, and nothing left to do for it."""
    made = make_course(core, instructor.id, title="Bread for all", code="BREAD")
    deliver()
    return made


@pytest.fixture
def url(course):
    return f"/api/v1/courses/{course.id}/exports"


@pytest.fixture
def objects(core):
    """``objects()`` -> the files that the storage holds."""
    return lambda: {path for path in (core.settings.data / "files").rglob("*") if path.is_file()}


@pytest.fixture
def configure(settings):
    """``configure(*plugins, **changes)`` -> a registry with more plugins, and settings changed."""
    made = []

    def configure(*points, **changes):
        plugins = Plugins(lms_core.HOOKS, found=[*entry_points(group=GROUP), *points])
        made.append(lms_core.configure(settings.replace(**changes), plugins).registry)
        return made[-1]

    yield configure
    for registry in made:
        registry.request_log.close()
        registry.core.close()


def ask(person, url, status=202, **wanted):
    return person.client.post_json(url, wanted, status=status)


def read(person, job):
    return person.client.get(f"/api/v1/exports/{job['id']}").json


def content(person, job, status=200, **headers):
    return person.client.get(f"/api/v1/exports/{job['id']}/content", headers=headers, status=status)


def hurry(core):
    """Let every retry be due now."""
    with core.transaction() as db:
        db.execute(text("UPDATE delivery_failures SET retry_at = now() - interval '1 s'"))
        db.execute(text("UPDATE outbox SET lease_until = now() - interval '1 s' WHERE finished_at IS NULL"))


def test_a_worker_writes_the_file(instructor, course, url, deliver, objects):
    before = objects()
    answer = ask(instructor, url)
    job = answer.json
    assert answer.headers["Location"] == f"http://localhost/api/v1/exports/{job['id']}"
    assert (job["status"], job["courseId"], job["version"], job["format"]) == (
        "pending", str(course.id), None, "common_cartridge",
    )  # fmt: skip
    assert objects() == before
    assert content(instructor, job, status=409).json["code"] == "export_not_ready"
    deliver()
    job = read(instructor, job)
    assert (job["status"], job["error"], job["lost"]) == ("done", None, [])
    assert job["fileName"] == "bread-for-all.imscc"
    assert job["startedAt"] <= job["finishedAt"] < job["expiresAt"]
    file = content(instructor, job)
    assert len(file.body) == job["fileSize"] == file.content_length
    assert file.content_type == "application/zip"
    assert file.headers["Content-Disposition"].startswith('attachment; filename="bread-for-all.imscc"')
    with zipfile.ZipFile(io.BytesIO(file.body)) as archive:
        assert "imsmanifest.xml" in archive.namelist()
    assert len(objects()) == len(before) + 1


def test_it_is_the_file_that_the_command_writes(registry, instructor, course, url, deliver, tmp_path):
    job = ask(instructor, url).json
    deliver()
    export_course(registry, str(course.id), tmp_path / "a.imscc")
    assert content(instructor, job).body == (tmp_path / "a.imscc").read_bytes()


def test_a_download_can_be_taken_up_again(instructor, url, deliver):
    job = ask(instructor, url).json
    deliver()
    whole = content(instructor, job)
    part = content(instructor, job, status=206, Range="bytes=10-19")
    assert part.body == whole.body[10:20]
    content(instructor, job, status=304, **{"If-None-Match": whole.headers["ETag"]})


def test_a_version_can_be_had(instructor, url, deliver):
    job = ask(instructor, url, version=1).json
    deliver()
    job = read(instructor, job)
    assert (job["version"], job["status"], job["fileName"]) == (1, "done", "bread-for-all-v1.imscc")


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        ({"version": 2}, "version_unknown"),
        ({"version": 0}, "invalid"),
        ({"version": "1"}, "invalid"),
        ({"version": 10**12}, "invalid"),
        ({"format": "scorm"}, "export_format_unknown"),
        ({"format": "\0"}, "invalid"),
        ({"other": 1}, "invalid"),
    ],
)
def test_what_cannot_be_is_refused_at_once(core, instructor, url, wanted, code):
    assert ask(instructor, url, status=422, **wanted).json["code"] == code
    with core.transaction() as db:
        assert db.scalar(select(func.count()).select_from(CourseExport)) == 0


def test_one_export_of_a_course_at_a_time(instructor, admin, url, deliver):
    first = ask(instructor, url).json
    refused = ask(instructor, url, status=409).json
    assert (refused["code"], refused["exportId"]) == ("export_running", first["id"])
    ask(admin, url)
    deliver()
    assert read(instructor, first)["status"] == "done"
    ask(instructor, url)


def test_of_two_who_ask_at_once_one_is_told_so(core, instructor, course):
    def request(_number):
        try:
            with core.transaction() as db:
                return service.request_export(db, core, course.id, instructor.id, None, None)
        except Conflict as error:
            return error.code

    with ThreadPoolExecutor(8) as threads:
        outcomes = list(threads.map(request, range(8)))
    assert outcomes.count("export_running") == 7
    assert all(outcome == "export_running" or outcome is not None for outcome in outcomes)


# Who may.


def assign(instructor, course, person, role, **permissions):
    body = {"userId": str(person.id), "role": role, "permissions": permissions}
    instructor.client.post_json(f"/api/v1/courses/{course.id}/staff", body, status=201)


def test_who_may_export(app, instructor, make_person, student, admin, course, url):
    app.post_json(url, {}, status=401)
    ask(student, url, status=403)
    ask(make_person("instructor"), url, status=403)
    assistant, helper, trusted = (make_person("student") for _each in range(3))
    assign(instructor, course, assistant, "teaching_assistant")
    assign(instructor, course, helper, "co_instructor")
    assign(instructor, course, trusted, "co_instructor", **{"courses:export": False})
    ask(assistant, url, status=403)
    ask(helper, url)
    ask(trusted, url, status=403)
    ask(admin, url)
    ask(instructor, url)


def test_a_hidden_course_is_not_known_to_others(core, instructor, student, make_person):
    hidden = make_course(core, instructor.id, published=False)
    for person in (student, make_person("instructor")):
        ask(person, f"/api/v1/courses/{hidden.id}/exports", status=404)
    ask(instructor, f"/api/v1/courses/{hidden.slug}/exports")


def test_a_job_is_its_requesters_alone(app, instructor, student, admin, url, deliver):
    job = ask(instructor, url).json
    deliver()
    for person in (student, admin):
        person.client.get(f"/api/v1/exports/{job['id']}", status=404)
        content(person, job, status=404)
    app.get(f"/api/v1/exports/{job['id']}", status=404)
    app.get(f"/api/v1/exports/{job['id']}/content", status=404)
    instructor.client.get("/api/v1/exports/00000000-0000-0000-0000-000000000000", status=404)
    instructor.client.get("/api/v1/exports/1", status=404)


def test_who_may_no_longer_export_has_no_file(instructor, make_person, course, url, deliver):
    helper = make_person("student")
    assign(instructor, course, helper, "co_instructor")
    job = ask(helper, url).json
    deliver()
    content(helper, job)
    instructor.client.put_json(
        f"/api/v1/courses/{course.id}/staff/{helper.id}", {"permissions": {"courses:export": False}}
    )
    assert read(helper, job)["status"] == "done"
    content(helper, job, status=403)
    instructor.client.delete(f"/api/v1/courses/{course.id}/staff/{helper.id}", status=204)
    content(helper, job, status=403)


def test_a_file_of_somebody_elses_courses_is_not_among_ones_own(instructor, url, deliver):
    job = ask(instructor, url).json
    deliver()
    assert [file["type"] for file in instructor.client.get("/api/v1/files").json["items"]] in ([], ["image"])
    instructor.client.get(f"/api/v1/files/{job['id']}/content", status=404)


# What happens meanwhile.


def test_a_course_that_is_deleted_meanwhile(core, instructor, course, url, deliver, objects):
    job, before = ask(instructor, url).json, objects()
    with core.transaction() as db:
        delete(db, core, course.id)
    deliver()
    job = read(instructor, job)
    assert (job["status"], job["error"], job["detail"]) == ("failed", "course_unknown", "There is no such course.")
    assert objects() == before


def test_a_course_that_is_deleted_afterwards(core, instructor, course, url, deliver):
    job = ask(instructor, url).json
    deliver()
    with core.transaction() as db:
        delete(db, core, course.id)
    assert read(instructor, job)["status"] == "done"
    content(instructor, job, status=403)


def test_lost_files_are_named_in_the_language_of_who_asked(registry, core, make_person, deliver):
    author = make_person("instructor", preferred_language="de")
    course_id = make_rich_course(registry, author.id)
    with core.transaction() as db:
        film = db.scalars(select(FileUpload).where(FileUpload.mime_type == "video/mp4")).one()
        registry.storage.delete(film.storage_path)
    job = ask(author, f"/api/v1/courses/{course_id}/exports").json
    deliver()
    job = read(author, job)
    assert job["status"] == "done"
    assert job["lost"] == [{"name": "paper.pdf", "reason": "Diese Datei von „Film“ ist verloren gegangen."}]


def test_a_storage_that_goes_away_is_waited_for(configure, core, instructor, objects):
    registry = configure(BRITTLE, lms__storage__backend="brittle")
    course_id = make_rich_course(registry, instructor.id)
    job, before = ask(instructor, f"/api/v1/courses/{course_id}/exports").json, objects()
    for _attempt in range(service.MOST_ATTEMPTS - 1):
        deliver_pending(registry)
        seen = read(instructor, job)
        assert (seen["status"], seen["error"], seen["finishedAt"]) == ("pending", "storage_unavailable", None)
        hurry(core)
    deliver_pending(registry)
    seen = read(instructor, job)
    assert (seen["status"], seen["error"]) == ("failed", "storage_unavailable")
    assert seen["detail"] == "The file storage is not available right now."
    content(instructor, job, status=409)
    assert objects() == before
    with core.transaction() as db:
        assert db.scalar(select(func.count()).select_from(DeadLetter)) == 0
        assert db.scalar(text("SELECT count(*) FROM outbox WHERE name = 'courses.export_requested' "
                              "AND finished_at IS NULL")) == 0  # fmt: skip


def test_a_storage_that_comes_back_is_enough(configure, core, registry, instructor, deliver):
    course_id = make_rich_course(registry, instructor.id)
    with core.transaction() as db:
        db.execute(update(FileUpload).values(storage_provider="elsewhere"))
    job = ask(instructor, f"/api/v1/courses/{course_id}/exports").json
    deliver()
    assert read(instructor, job)["status"] == "pending"
    with core.transaction() as db:
        db.execute(update(FileUpload).values(storage_provider="local"))
    hurry(core)
    deliver()
    assert read(instructor, job)["status"] == "done"
    assert read(instructor, job)["error"] is None


@pytest.mark.parametrize("name", ["careless", "full"])
def test_an_exporter_with_a_fault_ends_as_a_dead_letter(configure, core, instructor, course, name, objects):
    registry, before = configure(ODD), objects()
    with core.transaction() as db:
        job = {"id": service.request_export(db, registry.core, course.id, instructor.id, None, name)}
    for _attempt in range(service.MOST_ATTEMPTS):
        deliver_pending(registry)
        hurry(core)
    assert [read(instructor, job)[key] for key in ("status", "error", "detail")] == ["failed", "failed", None]
    assert objects() == before
    with core.transaction() as db:
        letter = db.scalars(select(DeadLetter)).one()
        assert (letter.subscriber, letter.name) == ("courses.export", "courses.export_requested")


def test_a_job_that_kills_its_workers_is_given_up(core, instructor, url, deliver):
    job = ask(instructor, url).json
    with core.transaction() as db:
        db.execute(update(CourseExport).values(status="running", attempts=service.MOST_ATTEMPTS))
    deliver()
    assert [read(instructor, job)[key] for key in ("status", "error")] == ["failed", "interrupted"]
    ask(instructor, url)


def test_a_worker_that_died_leaves_the_job_to_the_next(core, instructor, url, deliver):
    job = ask(instructor, url).json
    with core.transaction() as db:
        db.execute(update(CourseExport).values(status="running", attempts=1))
    deliver()
    assert read(instructor, job)["status"] == "done"


def test_an_event_that_comes_twice_changes_nothing(core, registry, instructor, url, deliver, objects):

    job = ask(instructor, url).json
    deliver()
    done, before = read(instructor, job), objects()
    with core.transaction() as db:
        publish(db, ExportRequested(job["id"]))
        publish(db, ExportRequested("00000000-0000-0000-0000-000000000000"))
    deliver()
    assert (read(instructor, job), objects()) == (done, before)


def test_a_format_that_was_switched_off_meanwhile(core, instructor, course, deliver):
    with core.transaction() as db:
        job = CourseExport(course_id=course.id, requested_by=instructor.id, format="gone")
        db.add(job)
        db.flush()

        publish(db, ExportRequested(job.id))
    deliver()
    assert read(instructor, {"id": job.id})["error"] == "export_format_unknown"


# How long.


def test_a_new_export_takes_the_place_of_the_one_before(instructor, url, deliver, run_periodic, objects):
    before = objects()
    first = ask(instructor, url).json
    deliver()
    second = ask(instructor, url).json
    deliver()
    run_periodic("courses.purge_jobs")
    deliver()
    instructor.client.get(f"/api/v1/exports/{first['id']}", status=404)
    content(instructor, second)
    assert len(objects()) == len(before) + 1


def test_what_has_expired_is_forgotten_with_its_file(core, instructor, url, deliver, run_periodic, objects):
    before, job = objects(), ask(instructor, url).json
    deliver()
    run_periodic("courses.purge_jobs")
    assert read(instructor, job)["status"] == "done"
    with core.transaction() as db:
        db.execute(update(CourseExport).values(expires_at=func.now() - text("interval '1 s'")))
    run_periodic("courses.purge_jobs")
    instructor.client.get(f"/api/v1/exports/{job['id']}", status=404)
    deliver()
    assert objects() == before


def test_how_long_is_a_setting(make_app, registry, core, instructor, url, deliver):
    job = ask(instructor, url).json
    deliver_pending(make_app(lms__export__keep=7200.0).app.registry)
    with core.transaction() as db:
        made = db.get(CourseExport, job["id"])
        assert (made.expires_at - made.finished_at).total_seconds() == 7200


def test_a_failed_job_is_forgotten_too(core, instructor, course, url, deliver, run_periodic):
    ask(instructor, url)
    with core.transaction() as db:
        delete(db, core, course.id)
    deliver()
    with core.transaction() as db:
        db.execute(update(CourseExport).values(expires_at=func.now() - text("interval '1 s'")))
    run_periodic("courses.purge_jobs")
    with core.transaction() as db:
        assert db.scalar(select(func.count()).select_from(CourseExport)) == 0


def test_asking_is_audited_and_cheap(core, instructor, course, url, deliver, statements):
    job = ask(instructor, url).json
    with core.transaction() as db:
        entry = db.scalars(select(AuditLog).where(AuditLog.action == "courses.export")).one()
        assert (entry.resource_id, entry.user_id) == (course.id, instructor.id)
    with statements() as seen:
        read(instructor, job)
    assert seen.count <= 2, seen
    deliver()
    with statements() as seen:
        content(instructor, job)
    assert seen.count <= 2, seen


def test_no_course_is_named_import(core, instructor):
    made = make_course(core, instructor.id, title="Import")
    assert made.slug == "import-2"
    refused = instructor.client.put_json(f"/api/v1/courses/{made.id}", {"slug": "import"}, status=422).json
    assert "slug" in refused["errors"]
