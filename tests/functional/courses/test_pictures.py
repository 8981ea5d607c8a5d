"""The picture of a course that its author chose among uploaded files: whose it may be, who sees it, and how it goes."""

import json
import threading
import uuid

import pytest
from sqlalchemy import func, select, update

from lms_core.courses.exporter import export_course
from lms_core.courses.importer import import_course
from lms_core.courses.lifecycle.service import delete
from lms_core.courses.models import Course
from lms_core.files.models import FileUpload
from lms_core.testing.courses import make_course
from lms_core.testing.files import make_file
from lms_core.testing.portraits import portrait

from ...plugins.content_types.media import MP4_HEAD, PNG, pdf

COURSES = "/api/v1/courses"
FILES = "/api/v1/files"


@pytest.fixture
def course(core, instructor, deliver):
    """Published, with a cover that was drawn."""
    made = make_course(core, instructor.id, lessons=1)
    deliver()
    return made


@pytest.fixture
def url(course):
    return f"{COURSES}/{course.id}"


@pytest.fixture
def upload(registry, instructor):
    """``upload(content)`` -> the id of a file of the author's."""
    return lambda content=PNG, owner=instructor: str(make_file(registry, owner.id, content).id)


@pytest.fixture
def choose(instructor, url):
    def choose(file_id, status=200, author=instructor, **fields):
        return author.client.put_json(url, {"thumbnailFileId": file_id, **fields}, status=status).json

    return choose


def help_out(instructor, url, person, role="co_instructor", permissions=None):
    body = {"userId": str(person.id), "role": role, "permissions": permissions or {}}
    instructor.client.post_json(f"{url}/staff", body, status=201)


def living(core):
    with core.reader() as db:
        found = db.execute(select(FileUpload.id).where(FileUpload.deleted_at.is_(None)))
        return {str(row.id) for row in found}


def cover_of(app, url):
    """The id of the file that the course shows."""
    return app.get(url).json["thumbnailUrl"].removeprefix(f"{FILES}/").removesuffix("/content")


def test_a_chosen_file_takes_the_place_of_the_drawn_cover(app, core, url, upload, choose, deliver):
    drawn, picture = cover_of(app, url), upload()
    assert app.get(url).json["thumbnailFileId"] is None, "nobody chose it"
    shown = choose(picture)
    assert (shown["thumbnailFileId"], shown["thumbnailUrl"]) == (picture, f"{FILES}/{picture}/content")
    assert app.get(COURSES).json["items"][0]["thumbnailUrl"] == shown["thumbnailUrl"]
    assert app.get(shown["thumbnailUrl"]).body == PNG
    deliver()
    assert living(core) == {picture}, "what steps back takes nobody's quota"
    app.get(f"{FILES}/{drawn}/content", status=404)
    choose(picture)
    deliver()
    assert cover_of(app, url) == picture


def test_a_course_may_begin_with_a_picture(app, instructor, upload, deliver, core):
    picture = upload()
    body = {"code": "PIC", "title": "Pictured", "thumbnailFileId": picture}
    made = instructor.client.post_json(COURSES, body, status=201).json
    assert (made["thumbnailFileId"], made["thumbnailUrl"]) == (picture, f"{FILES}/{picture}/content")
    deliver()
    assert living(core) == {picture}


def test_null_takes_it_off_and_a_cover_is_drawn(app, core, instructor, url, upload, choose, deliver):
    picture = upload()
    choose(picture)
    deliver()
    shown = choose(None)
    assert (shown["thumbnailFileId"], shown["thumbnailUrl"]) == (None, None)
    deliver()
    drawn = cover_of(app, url)
    assert living(core) == {picture, drawn}
    choose(None)
    deliver()
    assert cover_of(app, url) == drawn, "null says what is so already"
    instructor.client.delete(f"{FILES}/{picture}", status=204)


def test_a_draft_without_a_picture_waits_for_its_publication(core, instructor, upload, deliver):
    draft = make_course(core, instructor.id, published=False)
    url = f"{COURSES}/{draft.id}"
    for file_id in (upload(), None):
        instructor.client.put_json(url, {"thumbnailFileId": file_id})
    deliver()
    assert instructor.client.get(url).json["thumbnailUrl"] is None
    instructor.client.post_json(f"{url}/publish")
    deliver()
    assert instructor.client.get(url).json["thumbnailUrl"].startswith(FILES)


def test_an_address_and_a_file_are_not_the_picture_together(app, core, instructor, url, upload, choose, deliver):
    picture, address = upload(), "https://example.org/me.png"
    refused = choose(picture, 422, thumbnailUrl=address)
    assert list(refused["errors"]) == ["thumbnailFileId"]
    choose(picture)
    shown = instructor.client.put_json(url, {"thumbnailUrl": address}).json
    assert (shown["thumbnailFileId"], shown["thumbnailUrl"]) == (None, address)
    assert choose(None)["thumbnailUrl"] == address, "there was no file to take off"
    assert choose(picture, thumbnailUrl=None)["thumbnailFileId"] == picture
    assert instructor.client.put_json(url, {"thumbnailUrl": None}).json["thumbnailFileId"] is None
    deliver()
    assert living(core) == {picture, cover_of(app, url)}


@pytest.mark.parametrize("content", [b"<svg><script>1</script></svg>", MP4_HEAD, pdf(1), b"x"])
def test_only_an_image_that_runs_nothing_will_do(app, url, upload, choose, content):
    before = app.get(url).json
    refused = choose(upload(content), 422)
    assert (refused["code"], list(refused["errors"])) == ("file_kind_wrong", ["thumbnailFileId"])
    assert app.get(url).json == before


def test_whose_file_it_may_be(core, instructor, student, make_person, url, upload, choose, course):
    helper, other = make_person("instructor"), make_person("instructor")
    help_out(instructor, url, helper)
    for file_id in (upload(owner=student), upload(owner=helper), str(uuid.uuid4())):
        refused = choose(file_id, 422)
        assert (refused["code"], list(refused["errors"])) == ("file_unknown", ["thumbnailFileId"])
        body = {"code": "NEW", "title": "New", "thumbnailFileId": file_id}
        assert instructor.client.post_json(COURSES, body, status=422).json["code"] == "file_unknown"
    picture = upload(owner=helper)
    choose(picture, author=helper)
    assert choose(picture)["thumbnailFileId"] == picture, "it is the course's now"
    body = {"code": "NEW", "title": "New", "thumbnailFileId": picture}
    assert instructor.client.post_json(COURSES, body, status=422).json["code"] == "file_unknown"
    for client, status in ((other.client, 403), (student.client, 403)):
        client.put_json(url, {"thumbnailFileId": upload(owner=other)}, status=status)


def test_a_file_of_its_lessons_will_do(instructor, make_person, url, upload, choose, course):
    helper = make_person("instructor")
    help_out(instructor, url, helper)
    picture = upload()
    assert choose(picture, 422, author=helper)["code"] == "file_unknown"
    html = f'<p><img src="{FILES}/{picture}/content"></p>'
    instructor.client.put_json(f"/api/v1/lessons/{course.lessons[0]}", {"content": {"html": html}})
    assert choose(picture, author=helper)["thumbnailFileId"] == picture


def test_what_is_infected_or_not_looked_through_yet(app, core, instructor, student, upload, choose):
    infected, waiting = upload(), upload()
    with core.transaction() as db:
        for file_id, result in ((infected, "infected"), (waiting, "pending")):
            db.execute(update(FileUpload).where(FileUpload.id == file_id).values(virus_scan_result=result))
    assert choose(infected, 422)["code"] == "file_infected"
    address = choose(waiting)["thumbnailUrl"]
    instructor.client.get(address, status=200)
    assert student.client.get(address, status=409).json["code"] == "file_not_scanned"
    assert app.get(address, status=409).json["code"] == "file_not_scanned"


def test_who_may_see_the_course_sees_it(app, core, instructor, student, admin, make_person, url, upload, choose):
    helper, barred, author = make_person("instructor"), make_person("instructor"), make_person("instructor")
    help_out(instructor, url, helper, "teaching_assistant")
    help_out(instructor, url, barred, "teaching_assistant", {"courses:read": False})
    help_out(instructor, url, author)
    student.client.post_json("/api/v1/enrollments", {"courseId": url.rpartition("/")[2]}, status=201)
    address = choose(upload(owner=author), author=author)["thumbnailUrl"]

    def sees(*clients):
        for client in clients:
            client.get(address, status=200)

    def sees_not(*clients):
        for client in clients:
            client.get(address, status=404)
            client.get(address.replace("content", "url"), status=404)

    stranger = make_person().client
    sees(app, student.client, stranger, helper.client, barred.client, instructor.client, author.client, admin.client)
    instructor.client.post_json(f"{url}/archive")
    sees(student.client, helper.client, instructor.client)
    sees_not(stranger, barred.client)
    app.get(address, status=404)
    instructor.client.post_json(f"{url}/unarchive")
    instructor.client.post_json(f"{url}/unpublish")
    sees(helper.client, instructor.client)
    sees_not(stranger, barred.client, student.client)
    instructor.client.delete(url)
    sees(instructor.client)
    sees_not(stranger, helper.client, student.client)


def test_a_picture_is_not_deleted_under_its_course(core, instructor, url, upload, choose, deliver):
    picture = upload()
    choose(picture)
    assert instructor.client.delete(f"{FILES}/{picture}", status=409).json["code"] == "file_in_use"
    instructor.client.delete(url)
    assert instructor.client.delete(f"{FILES}/{picture}", status=409).json["code"] == "file_in_use"


def test_a_file_that_is_deleted_while_it_is_chosen(core, instructor, url, upload):
    """Whoever comes second is refused: never does a course show what is gone."""
    for _round in range(6):
        picture, answers = upload(), {}
        gate = threading.Barrier(2)

        def take(picture=picture, answers=answers, gate=gate):
            gate.wait()
            answers["chosen"] = instructor.client.put_json(url, {"thumbnailFileId": picture}, status="*").status_int

        def drop(picture=picture, answers=answers, gate=gate):
            gate.wait()
            answers["deleted"] = instructor.client.delete(f"{FILES}/{picture}", status="*").status_int

        threads = [threading.Thread(target=each) for each in (take, drop)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        assert (answers["chosen"], answers["deleted"]) in {(200, 409), (422, 204)}
        assert (picture in living(core)) is (answers["chosen"] == 200)


def test_a_drawn_cover_that_somebody_chose_stays(app, core, instructor, url, choose, deliver):
    drawn = cover_of(app, url)
    assert choose(drawn)["thumbnailFileId"] == drawn
    deliver()
    assert living(core) == {drawn}
    choose(None)
    deliver()
    assert cover_of(app, url) != drawn
    assert drawn in living(core), "it is the author's like any other"


def test_a_copy_has_the_picture_too(app, core, instructor, make_person, url, upload, choose, deliver):
    """And not the cover that was drawn for another."""
    helper = make_person("instructor")
    help_out(instructor, url, helper)
    drawn = cover_of(app, url)
    plain = helper.client.post_json(f"{url}/duplicate", {}, status=201).json
    assert (plain["thumbnailUrl"], plain["thumbnailFileId"]) == (None, None)
    picture = upload()
    choose(picture)
    deliver()
    assert drawn not in living(core)
    copy = helper.client.post_json(f"{url}/duplicate", {}, status=201).json
    assert copy["thumbnailFileId"] == picture
    helper.client.get(copy["thumbnailUrl"], status=200)
    choose(None)
    assert instructor.client.delete(f"{FILES}/{picture}", status=409).json["code"] == "file_in_use"
    with core.reader() as db:
        assert db.scalar(select(func.count()).where(Course.thumbnail_file_id == picture)) == 1


def test_it_travels_with_the_course(registry, core, instructor, url, upload, choose, course, tmp_path):
    choose(upload())
    wanted, path = portrait(registry, course.id), tmp_path / "course.imscc"
    report = export_course(registry, str(course.id), path)
    assert (report.files, report.lost) == (1, [])
    with core.transaction() as db:
        delete(db, core, course.id)
    back = import_course(registry, path, instructor.email)
    assert (back.skipped, back.files) == ([], 1)
    assert portrait(registry, back.course_id) == wanted
    assert " " in wanted["thumbnail_url"], "the file stands there, by its name and content"


def test_a_picture_that_is_lost_stops_no_export(registry, instructor, upload, choose, course, tmp_path):
    picture, path = upload(), tmp_path / "course.imscc"
    choose(picture)
    with registry.core.reader() as db:
        row = db.execute(select(FileUpload.storage_path).where(FileUpload.id == picture)).one()
    registry.storage.delete(row.storage_path)
    report = export_course(registry, str(course.id), path)
    assert [each.reason for each in report.lost] == ["The picture of the course is lost, or infected."]
    back = import_course(registry, path, instructor.email)
    assert instructor.client.get(f"{COURSES}/{back.course_id}").json["thumbnailUrl"] is None


@pytest.mark.parametrize(
    "reference", ["lms-file-id:gone", "lms-file-id:page", "5f0c6f4e-6c8e-4b0e-9d54-0c1f2f1f7d6", ""]
)
def test_what_arrives_for_a_picture_and_is_none_is_left_out(toy_registry, core, instructor, tmp_path, reference):
    path = tmp_path / "course.toy"
    source = {
        "title": "Toy",
        "modules": [{"title": "M", "lessons": [{"title": "One", "html": "<p>Words.</p>"}]}],
        "files": {"page": {"name": "a.png", "text": "<!doctype html>"}},
        "details": {"thumbnailFileId": reference},
    }
    path.write_text(json.dumps(source))
    report = import_course(toy_registry, path, instructor.email)
    assert ("Toy", "The picture of the course is not there, or is none.") in [
        (each.name, each.reason) for each in report.skipped
    ]
    with core.reader() as db:
        assert db.execute(select(Course.thumbnail_file_id, Course.thumbnail_url)).one() == (None, None)


def test_choosing_costs_little(instructor, url, upload, statements):
    picture = upload()
    with statements() as seen:
        instructor.client.put_json(url, {"thumbnailFileId": picture})
    assert seen.count <= 14, seen
