"""The condition in SQL and the function in Python are one rule."""

import datetime as dt
import random
import uuid

from sqlalchemy import func, insert, literal, select

from lms_core.assessment.models import Quiz
from lms_core.courses.models import Course, VersionLesson, VersionModule
from lms_core.enrollment.models import Accommodation, AccommodationDate, Enrollment
from lms_core.learning.models import LessonProgress, ModuleProgress
from lms_core.learning.unlocking.queries import open_lesson, rules_of, standing_of
from lms_core.learning.unlocking.rules import decide
from lms_core.testing.courses import make_course

DAY = dt.timedelta(days=1)


def test_both_say_the_same_of_any_course_and_student(core, instructor, student):
    course = make_course(core, instructor.id, modules=4, lessons=1)
    draw = random.Random(20)
    opened = 0
    for _round in range(300):
        with core.engine.connect() as connection:
            opened += _compare(connection, core, course, student, draw)
            connection.rollback()
    assert 300 < opened < 900  # Neither answer is rare.


def _compare(connection, core, course, student, draw):
    now = core.clock()
    version = connection.scalar(select(Course.version_id).where(Course.id == course.id))
    _make_rules(connection, course, version, now, draw)
    restricted = set(
        connection.scalars(
            select(VersionModule.module_id).where(
                VersionModule.version_id == version,
                (VersionModule.unlock_type != "immediate") | (func.cardinality(VersionModule.prerequisites) > 0),
            )
        )
    )
    enrollment = _enroll(connection, course, student, now, draw)
    if enrollment is not None:
        _accommodate(connection, course, enrollment, now, draw)
        _make_progress(connection, course, student, enrollment, now, draw)
    _make_quizzes(connection, course, draw)
    gate = (
        select(VersionLesson.module_id, open_lesson(literal(student.id)))
        .join_from(VersionLesson, VersionModule, (VersionModule.version_id == VersionLesson.version_id)
                   & (VersionModule.module_id == VersionLesson.module_id))
        .join(Course, Course.version_id == VersionLesson.version_id)
        .where(Course.id == course.id)
    )  # fmt: skip
    in_sql = dict(connection.execute(gate).all())
    begun = set(
        connection.scalars(
            select(VersionLesson.module_id).join(LessonProgress, LessonProgress.lesson_id == VersionLesson.lesson_id)
        )
    )
    standing = standing_of(connection, version, student.id)
    decisions = decide(rules_of(connection, version), standing, now)
    if decisions[0].barred:
        assert not any(in_sql[each] for each in restricted)  # The rest is refused before it is asked what is open.
        return 0
    for each in decisions:
        wanted = each.is_open or each.module_id in begun
        assert in_sql[each.module_id] == wanted, (each, standing)
    return sum(each.is_open for each in decisions)


def _make_rules(connection, course, version, now, draw):
    for module in course.modules:
        others = [each for each in (*course.modules, uuid.uuid4()) if each != module]
        connection.execute(
            VersionModule.__table__.update()
            .where(VersionModule.version_id == version, VersionModule.module_id == module)
            .values(
                unlock_type=draw.choice(["immediate", "scheduled", "sequential", "relative"]),
                unlock_date=draw.choice([None, now - DAY, now + DAY]),
                unlock_after_days=draw.choice([None, 0, 2, 4]),
                unlock_min_score=draw.choice([None, None, 50]),
                prerequisites=draw.sample(others, draw.choice([0, 0, 1, 2])),
                lessons_total=draw.choice([1, 1, 1, 0]),
            )
        )


def _enroll(connection, course, student, now, draw):
    if draw.random() < 0.05:
        return None
    starts_at = draw.choice([None, None, now - DAY, now + DAY])
    values = {
        "user_id": student.id, "course_id": course.id, "status": draw.choice(["active"] * 5 + ["completed", "dropped"]),
        "enrolled_at": now - 3 * DAY, "starts_at": starts_at,
        "expires_at": draw.choice([None, None, now - DAY / 2 if starts_at != now + DAY else None, now + 2 * DAY]),
        "extended_until": draw.choice([None, now - DAY / 4, now + DAY]),
    }  # fmt: skip
    return connection.scalar(insert(Enrollment).values(values).returning(Enrollment.id))


def _accommodate(connection, course, enrollment, now, draw):
    if draw.random() < 0.6:
        return
    values = {"enrollment_id": enrollment, "waives_sequence": draw.random() < 0.5}
    granted = connection.scalar(insert(Accommodation).values(values).returning(Accommodation.id))
    for module in draw.sample(course.modules, 2):
        own = {"accommodation_id": granted, "module_id": module, "unlocks_at": now + draw.choice([-DAY, DAY])}
        connection.execute(insert(AccommodationDate).values(own))


def _make_progress(connection, course, student, enrollment, now, draw):
    mine = {"user_id": student.id, "enrollment_id": enrollment}
    for module in course.modules:
        if draw.random() < 0.6:
            done = {
                "started_at": draw.choice([None, None, now]), "completed_at": draw.choice([None, now, now]),
                "average_quiz_score": draw.choice([None, 20, 49.99, 50, 80]),
            }  # fmt: skip
            connection.execute(insert(ModuleProgress).values(mine | done | {"module_id": module}))
    if draw.random() < 0.3:
        begun = {"lesson_id": draw.choice(course.lessons), "started_at": now, "status": "in_progress"}
        connection.execute(insert(LessonProgress).values(mine | begun))


def _make_quizzes(connection, course, draw):
    for module in course.modules:
        if draw.random() < 0.5:
            quiz = {"quiz_type": draw.choice(["graded", "survey"]), "is_published": draw.random() < 0.7}
            connection.execute(insert(Quiz).values({"module_id": module, "title": "Q", "order_index": 0} | quiz))
