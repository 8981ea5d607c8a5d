"""Notes and bookmarks: one's own, nobody else's, and there for good."""

import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import delete, func, insert, select, update

from lms_core.accounts.models import User
from lms_core.courses.models import Course
from lms_core.enrollment.models import Enrollment
from lms_core.learning.annotations.service import MOST
from lms_core.learning.models import LessonAnnotation
from lms_core.testing.courses import make_course

from .beats import do, let_pass

MINE = "/api/v1/users/me/annotations"
NOTE = {"kind": "note", "text": "Why is that so?\nAsk tomorrow.", "position": 17}


@pytest.fixture
def course(core, instructor, student):
    made = make_course(core, instructor.id, modules=2, lessons=2, title="Algebra")
    enroll(student, made)
    return made


def enroll(person, course):
    person.client.post_json("/api/v1/enrollments", {"courseId": str(course.id)}, status=201)


def path(lesson):
    return f"/api/v1/lessons/{lesson}/annotations"


def write(person, lesson, status=201, **values):
    return person.client.post_json(path(lesson), values or NOTE, status=status)


def texts(answer):
    return [each["text"] for each in answer.json["items"]]


def mine(person, **query):
    return texts(person.client.get(MINE, query))


def test_one_notes_something_and_changes_it(student, course):
    made = write(student, course.lessons[0])
    own = f"/api/v1/annotations/{made.json['id']}"
    assert made.headers["Location"].endswith(own)
    assert {**made.json, "id": "", "createdAt": "", "updatedAt": ""} == {
        **NOTE, "id": "", "lessonId": str(course.lessons[0]), "createdAt": "", "updatedAt": "",
    }  # fmt: skip
    assert student.client.get(own).json == made.json
    changed = student.client.put_json(own, {"text": "Clear now.", "position": None}).json
    assert (changed["text"], changed["position"], changed["kind"]) == ("Clear now.", None, "note")
    assert student.client.put_json(own, {"position": 3}).json["text"] == "Clear now."
    student.client.delete(own, status=204)
    student.client.delete(own, status=404)
    student.client.get(own, status=404)


def test_a_bookmark_needs_no_name_and_has_a_short_one(student, course):
    plain = write(student, course.lessons[0], kind="bookmark", position=30).json
    assert (plain["text"], plain["position"]) == ("", 30)
    assert write(student, course.lessons[0], kind="bookmark").json["position"] is None
    refused = write(student, course.lessons[0], 422, kind="bookmark", text="x" * 201)
    assert list(refused.json["errors"]) == ["text"]
    student.client.put_json(f"/api/v1/annotations/{plain['id']}", {"text": "x" * 201}, status=422)
    student.client.put_json(f"/api/v1/annotations/{plain['id']}", {"text": "x" * 200})


@pytest.mark.parametrize(
    "values",
    [
        {"kind": "note"}, {"kind": "note", "text": " \n"}, {"kind": "note", "text": "x" * 10_001}, {"text": "x"},
        {"kind": "mark", "text": "x"}, {"kind": "note", "text": "x", "position": -1},
        {"kind": "note", "text": "x", "position": 2**31}, {"kind": "note", "text": "x", "position": 1.5},
        {"kind": "note", "text": "x\x00"}, {"kind": "note", "text": "x", "userId": str(uuid.uuid4())},
    ],
)  # fmt: skip
def test_what_is_no_annotation_is_refused(student, course, values):
    write(student, course.lessons[0], 422, **values)
    assert mine(student) == []


def test_a_note_cannot_be_emptied(student, course):
    own = f"/api/v1/annotations/{write(student, course.lessons[0]).json['id']}"
    assert list(student.client.put_json(own, {"text": ""}, status=422).json["errors"]) == ["text"]
    student.client.put_json(own, {"kind": "bookmark"}, status=422)


def test_of_two_who_change_it_the_later_one_is_told(student, course):
    own = f"/api/v1/annotations/{write(student, course.lessons[0]).json['id']}"
    tag = {"If-Match": student.client.get(own).headers["ETag"]}
    student.client.put_json(own, {"text": "From the telephone"}, headers=tag)
    assert student.client.put_json(own, {"text": "From here"}, headers=tag, status=412).json["code"] == "stale"
    student.client.delete(own, headers=tag, status=412)
    assert mine(student) == ["From the telephone"]


def test_sent_twice_it_is_written_once(student, course):
    key = {"Idempotency-Key": "a-note"}
    first, second = (student.client.post_json(path(course.lessons[0]), NOTE, headers=key) for _each in range(2))
    assert first.json == second.json
    assert len(mine(student)) == 1


def test_a_lesson_s_stand_in_their_places(student, course, statements):
    for text, position in (("third", 9), ("fourth", 10), ("second", None), ("first", None)):
        write(student, course.lessons[0], kind="note", text=text, position=position)
    write(student, course.lessons[0], kind="bookmark", text="a mark", position=9)
    write(student, course.lessons[1], kind="note", text="elsewhere")
    with statements() as seen:
        listed = student.client.get(path(course.lessons[0]))
    assert texts(listed) == ["second", "first", "third", "a mark", "fourth"]
    assert (listed.json["total"], seen.count) == (5, 3), seen
    assert texts(student.client.get(path(course.lessons[0]), {"kind": "bookmark"})) == ["a mark"]
    assert texts(student.client.get(path(course.lessons[0]), {"limit": 2, "page": 2})) == ["third", "a mark"]


def test_one_looks_through_all_of_one_s_own(core, student, instructor, course, statements):
    other = make_course(core, instructor.id, title="Botany")
    enroll(student, other)
    write(student, course.lessons[0], kind="note", text="100% sure")
    write(student, course.lessons[3], kind="bookmark", text="The PROOF", position=4)
    write(student, other.lessons[0], kind="note", text="A proof_of it")
    assert mine(student) == ["A proof_of it", "The PROOF", "100% sure"]
    assert mine(student, courseId=str(course.id)) == ["The PROOF", "100% sure"]
    assert mine(student, lessonId=str(course.lessons[3])) == ["The PROOF"]
    assert mine(student, kind="note", courseId=str(course.id)) == ["100% sure"]
    assert mine(student, search="proof") == ["A proof_of it", "The PROOF"]
    assert [mine(student, search=each) for each in ("0% s", "f_o", "r_o", "%", "nothing")] == [
        ["100% sure"], ["A proof_of it"], [], ["100% sure"], [],
    ]  # fmt: skip
    with statements() as seen:
        first = student.client.get(MINE, {"limit": 2}).json
    assert seen.count == 2, seen
    assert student.client.get(MINE, {"limit": 2, "cursor": first["next"]}).json["items"][0]["text"] == "100% sure"
    [found] = student.client.get(MINE, {"lessonId": str(course.lessons[3])}).json["items"]
    assert found["lesson"] == {"id": str(course.lessons[3]), "title": "Lesson 2.2"}
    assert found["course"] == {"id": str(course.id), "title": "Algebra", "slug": course.slug}
    student.client.get(MINE, {"userId": str(student.id)}, status=422)


def test_nobody_else_knows_of_it(student, instructor, admin, make_person, course):
    other, root = make_person("student"), make_person("super_admin")
    enroll(other, course)
    own = f"/api/v1/annotations/{write(student, course.lessons[0]).json['id']}"
    for person in (other, instructor, admin, root):
        for method in (person.client.get, person.client.delete):
            method(own, status=404)
        person.client.put_json(own, {"text": "Mine now"}, status=404)
        assert mine(person) == []
        assert texts(person.client.get(path(course.lessons[0]))) == []
    student.client.anonymous().get(own, status=404)
    student.client.anonymous().get(MINE, status=401)
    student.client.anonymous().get(path(course.lessons[0]), status=401)
    assert mine(student) == [NOTE["text"]]


def test_who_does_not_take_the_course_writes_nothing(core, student, instructor, make_person, course):
    stranger = make_person("student")
    write(stranger, course.lessons[0], 403)
    write(instructor, course.lessons[0], 403)
    write(stranger, uuid.uuid4(), 404)
    draft = make_course(core, instructor.id, published=False)
    write(stranger, draft.lessons[0], 404)
    for status in ("suspended", "dropped", "expired"):
        with core.transaction() as db:
            db.execute(update(Enrollment).values(status=status))
        write(student, course.lessons[0], 403)
    with core.transaction() as db:
        assert db.scalar(select(func.count()).select_from(LessonAnnotation)) == 0


def test_in_a_locked_module_there_is_nothing_to_note(student, instructor, course):
    instructor.client.put_json(f"/api/v1/modules/{course.modules[1]}", {"unlockType": "sequential"})
    instructor.client.post_json(f"/api/v1/courses/{course.id}/publish")
    refused = write(student, course.lessons[2], 403).json
    assert (refused["code"], refused["moduleId"]) == ("module_locked", str(course.modules[1]))
    assert texts(student.client.get(path(course.lessons[2]))) == []


def test_it_outlasts_the_lesson_and_its_versions(core, student, instructor, course):
    own = f"/api/v1/annotations/{write(student, course.lessons[0]).json['id']}"
    instructor.client.put_json(f"/api/v1/lessons/{course.lessons[0]}", {"title": "Renamed"})
    assert titles(student) == ["Lesson 1.1"]
    instructor.client.post_json(f"/api/v1/courses/{course.id}/publish")
    assert titles(student) == ["Renamed"]
    instructor.client.put_json(f"/api/v1/lessons/{course.lessons[0]}", {"title": "Never seen"})
    instructor.client.delete(f"/api/v1/lessons/{course.lessons[0]}", status=204)
    instructor.client.post_json(f"/api/v1/courses/{course.id}/publish")
    assert titles(student) == ["Renamed"]
    write(student, course.lessons[0], 404)
    with core.transaction() as db:
        db.execute(update(Course).values(is_published=False, version_id=None))
    assert titles(student) == ["Renamed"]
    student.client.put_json(own, {"text": "Still mine"})
    assert mine(student) == ["Still mine"]


def titles(person):
    return [each["lesson"]["title"] for each in person.client.get(MINE).json["items"]]


def test_it_outlasts_the_enrollment(student, course):
    write(student, course.lessons[0])
    [taken] = student.client.get("/api/v1/users/me/courses").json["items"]
    student.client.post_json(f"/api/v1/enrollments/{taken['enrollmentId']}/drop", {})
    assert mine(student) == texts(student.client.get(path(course.lessons[0]))) == [NOTE["text"]]
    enroll(student, course)
    assert mine(student) == [NOTE["text"]]


@pytest.mark.parametrize("end", [delete(User), update(User).values(deleted_at=func.now())], ids=["removed", "deleted"])
def test_it_goes_with_its_owner(core, student, make_person, course, end):
    other = make_person("student")
    enroll(other, course)
    for person in (student, other):
        write(person, course.lessons[0])
    with core.transaction() as db:
        db.execute(end.where(User.id == student.id))
        assert db.scalars(select(LessonAnnotation.user_id)).all() == [other.id]


def test_progress_goes_on_without_it(core, student, course):
    do(student, "start", course.lessons[0])
    write(student, course.lessons[0])
    let_pass(core, 30)
    assert do(student, "complete", course.lessons[0])["status"] == "completed"
    assert mine(student) == [NOTE["text"]]


def test_a_lesson_holds_so_many_of_one_person_however_many_write_at_once(core, student, make_person, course):
    row = {"user_id": student.id, "lesson_id": course.lessons[0], "kind": "bookmark"}
    with core.transaction() as db:
        db.execute(insert(LessonAnnotation), [row] * (MOST - 2))
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _each: student.client.post_json(path(course.lessons[0]), NOTE, status="*"),
                                range(6)))  # fmt: skip
    assert sorted(answer.status_int for answer in answers) == [201, 201, 409, 409, 409, 409]
    assert {answer.json.get("code") for answer in answers} == {None, "too_many_annotations"}
    write(student, course.lessons[1])
    other = make_person("student")
    enroll(other, course)
    write(other, course.lessons[0])
