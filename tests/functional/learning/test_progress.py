"""Starting and completing lessons: progress is right at once, and a course is completed exactly once."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import func, select

from lms_core.enrollment.events import CourseCompleted
from lms_core.kernel.models import Outbox
from lms_core.learning.models import LessonProgress, ModuleProgress
from lms_core.testing.courses import make_course

from .beats import beat, let_pass


@pytest.fixture
def course(core, instructor, student):
    made = make_course(core, instructor.id, modules=2, lessons=2)
    student.client.post_json("/api/v1/enrollments", {"courseId": str(made.id)}, status=201)
    return made


def _do(person, what, lesson_id, **kwargs):
    return person.client.post_json(f"/api/v1/lessons/{lesson_id}/{what}", **kwargs)


def _completions(core) -> int:
    with core.reader() as db:
        return db.scalar(select(func.count()).select_from(Outbox).where(Outbox.name == CourseCompleted.name))


def test_a_course_is_learned_to_its_end(core, student, course):
    seen = []
    for lesson in course.lessons:
        started = _do(student, "start", lesson).json
        assert (started["status"], started["completedAt"]) == ("in_progress", None)
        seen.append(_do(student, "complete", lesson).json)
    assert [state["progressPercentage"] for state in seen] == [25, 50, 75, 100]
    assert [state["courseCompleted"] for state in seen] == [False, False, False, True]
    [mine] = student.client.get("/api/v1/users/me/courses").json["items"]
    assert (mine["status"], mine["progressPercentage"], mine["lessonsCompleted"]) == ("completed", 100, 4)
    assert mine["course"]["id"] == str(course.id)
    with core.reader() as db:
        modules = db.execute(select(ModuleProgress.completion_percentage, ModuleProgress.completed_at)).all()
    assert all(module.completion_percentage == 100 and module.completed_at for module in modules)
    assert len(modules) == 2
    assert _completions(core) == 1


def test_completing_again_changes_nothing(core, student, course):
    for lesson in course.lessons:
        _do(student, "start", lesson)
        first = _do(student, "complete", lesson).json
    assert _do(student, "complete", course.lessons[-1]).json == first
    assert _do(student, "start", course.lessons[-1]).json["status"] == "completed"
    assert _completions(core) == 1


def test_a_lesson_must_be_started(student, course):
    assert _do(student, "complete", course.lessons[0], status=409).json["code"] == "lesson_not_started"


def test_the_first_start_stays(student, course):
    first = _do(student, "start", course.lessons[0]).json["startedAt"]
    assert _do(student, "start", course.lessons[0]).json["startedAt"] == first


def test_the_minimum_time_holds(core, student, instructor, course):
    lesson = course.lessons[0]
    instructor.client.put_json(f"/api/v1/lessons/{lesson}", {"minSeconds": 90})
    instructor.client.post_json(f"/api/v1/courses/{course.id}/publish")
    _do(student, "start", lesson)
    refused = _do(student, "complete", lesson, status=409)
    assert refused.json["code"] == "minimum_time_not_reached"
    assert 80 <= int(refused.headers["Retry-After"]) <= 90
    let_pass(core, 60)
    beat(student, lesson, 60)
    refused = _do(student, "complete", lesson, status=409)
    assert 20 <= int(refused.headers["Retry-After"]) <= 30
    let_pass(core, 3600)  # Time alone is not time spent.
    _do(student, "complete", lesson, status=409)
    beat(student, lesson, 30)
    assert _do(student, "complete", lesson).json["status"] == "completed"


def test_all_lessons_completed_at_once_complete_the_course_once(core, student, course):
    for lesson in course.lessons:
        _do(student, "start", lesson)
    token = student.client.authorization[1]

    def complete(lesson):
        return student.client.bearer(token).post_json(f"/api/v1/lessons/{lesson}/complete").status_int

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(complete, course.lessons * 2)) == [200] * 8
    [mine] = student.client.get("/api/v1/users/me/courses").json["items"]
    assert (mine["status"], mine["progressPercentage"]) == ("completed", 100)
    assert _completions(core) == 1


def test_who_is_not_enrolled_makes_no_progress(core, app, instructor, make_person, course):
    lesson = course.lessons[0]
    _do(make_person("student"), "start", lesson, status=403)
    app.post_json(f"/api/v1/lessons/{lesson}/start", status=401)
    with core.reader() as db:
        assert db.scalar(select(func.count()).select_from(LessonProgress)) == 0


def test_a_lesson_added_later_takes_no_completion_away(student, instructor, course):
    for lesson in course.lessons:
        _do(student, "start", lesson)
        _do(student, "complete", lesson)
    body = {"title": "More", "contentType": "text", "content": {"html": "<p>x</p>"}}
    added = instructor.client.post_json(f"/api/v1/modules/{course.modules[0]}/lessons", body, status=201).json
    _do(student, "start", added["id"], status=404)
    instructor.client.post_json(f"/api/v1/courses/{course.id}/publish")
    _do(student, "start", added["id"])
    _do(student, "complete", added["id"])
    [mine] = student.client.get("/api/v1/users/me/courses").json["items"]
    assert (mine["status"], mine["progressPercentage"]) == ("completed", 100)


def test_my_courses_are_mine_and_cheap(core, student, instructor, make_person, statements):
    for _number in range(5):
        made = make_course(core, instructor.id)
        student.client.post_json("/api/v1/enrollments", {"courseId": str(made.id)}, status=201)
    with statements() as seen:
        assert student.client.get("/api/v1/users/me/courses").json["total"] == 5
    assert seen.count <= 2, seen
    assert make_person("student").client.get("/api/v1/users/me/courses").json["items"] == []


def test_start_and_complete_are_bounded_in_statements(student, course, statements):
    with statements() as seen:
        _do(student, "start", course.lessons[0])
    assert seen.count <= 8, seen
    with statements() as seen:
        _do(student, "complete", course.lessons[0])
    assert seen.count <= 13, seen


def test_a_large_course_takes_no_more_statements_than_a_small_one(core, student, instructor, statements):
    """Of a student with one lesson left, who begins it, beats, completes it and the course, and looks at the list."""
    counted = []
    for modules, lessons in ((1, 2), (12, 4)):
        made = make_course(core, instructor.id, modules=modules, lessons=lessons)
        student.client.post_json("/api/v1/enrollments", {"courseId": str(made.id)}, status=201)
        for lesson in made.lessons[:-1]:
            _do(student, "start", lesson)
            _do(student, "complete", lesson)
        with statements() as seen:
            _do(student, "start", made.lessons[-1])
            student.client.post_json(f"/api/v1/lessons/{made.lessons[-1]}/heartbeat", {"seconds": 1})
            _do(student, "complete", made.lessons[-1])
            student.client.get("/api/v1/users/me/courses")
        counted.append(seen.count)
    assert counted[0] == counted[1]
