"""The counters of a course are right after every way its enrollments and ratings can change."""

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from uuid import UUID

import pytest
from sqlalchemy import Connection, Engine, delete, func, insert, select, text, update

from lms_core.accounts.models import User
from lms_core.courses.models import Course
from lms_core.enrollment.models import Enrollment
from lms_core.learning.models import CourseRating
from tests.functional.schema.conftest import Rows

COUNTED = {"active": (1, 0), "completed": (1, 1), "suspended": (1, 0), "dropped": (0, 0), "expired": (0, 0)}


def counts(db: Connection, course: UUID) -> tuple[int, int]:
    row = db.execute(select(Course.enrolled_count, Course.completed_count).where(Course.id == course)).one()
    return row.enrolled_count, row.completed_count


def rating(db: Connection, course: UUID) -> tuple[Decimal, int]:
    row = db.execute(select(Course.rating_average, Course.rating_count).where(Course.id == course)).one()
    return row.rating_average, row.rating_count


def rate(rows: Rows, course: UUID, stars: int) -> UUID:
    user = rows.user()
    enrollment = rows.enrollment(course, user_id=user)
    return rows.add(CourseRating, course_id=course, user_id=user, enrollment_id=enrollment, rating=stars)


@pytest.mark.parametrize("status", COUNTED)
def test_insert_and_delete_count_by_status(db: Connection, rows: Rows, status: str) -> None:
    course = rows.course()
    enrollment = rows.enrollment(course, status=status)
    assert counts(db, course) == COUNTED[status]
    db.execute(delete(Enrollment).where(Enrollment.id == enrollment))
    assert counts(db, course) == (0, 0)


@pytest.mark.parametrize("after", COUNTED)
@pytest.mark.parametrize("before", COUNTED)
def test_every_change_of_status_counts(db: Connection, rows: Rows, before: str, after: str) -> None:
    course = rows.course()
    rows.enrollment(course)
    enrollment = rows.enrollment(course, status=before)
    db.execute(update(Enrollment).where(Enrollment.id == enrollment).values(status=after))
    enrolled, completed = COUNTED[after]
    assert counts(db, course) == (1 + enrolled, completed)


@pytest.mark.parametrize("status", COUNTED)
def test_a_place_that_was_given_back_does_not_count(db: Connection, rows: Rows, status: str) -> None:
    course = rows.course()
    rows.enrollment(course)
    enrollment, freed = rows.enrollment(course, status=status), (1, COUNTED[status][1])
    mine = Enrollment.id == enrollment
    for moment in (func.now(), func.now(), None, func.now()):
        db.execute(update(Enrollment).where(mine).values(place_freed_at=moment))
        enrolled, completed = COUNTED[status]
        assert counts(db, course) == (freed if moment is not None else (1 + enrolled, completed))
    # Whatever becomes of it then: it counts as completed, and as nothing else.
    for after, (_enrolled, completed) in COUNTED.items():
        db.execute(update(Enrollment).where(mine).values(status=after))
        assert counts(db, course) == (1, completed)
    db.execute(update(Enrollment).where(mine).values(status="completed"))
    db.execute(delete(Enrollment).where(mine))
    assert counts(db, course) == (1, 0)


def test_moving_to_another_course_counts_in_both(db: Connection, rows: Rows) -> None:
    old, new = rows.course(), rows.course()
    enrollment = rows.enrollment(old, status="active")
    values = {"course_id": new, "status": "completed"}
    db.execute(update(Enrollment).where(Enrollment.id == enrollment).values(**values))
    assert (counts(db, old), counts(db, new)) == ((0, 0), (1, 1))


def test_one_statement_over_many_courses_counts_each(db: Connection, rows: Rows) -> None:
    courses = [rows.course() for _ in range(3)]
    users = [rows.user() for _ in range(4)]
    pairs = [{"course_id": course, "user_id": user} for course in courses for user in users]
    db.execute(insert(Enrollment).values(pairs))
    assert [counts(db, course) for course in courses] == [(4, 0)] * 3
    db.execute(update(Enrollment).values(status="completed"))
    assert [counts(db, course) for course in courses] == [(4, 4)] * 3
    db.execute(delete(Enrollment).where(Enrollment.user_id == users[0]))
    assert [counts(db, course) for course in courses] == [(3, 3)] * 3


def test_a_deleted_person_is_no_longer_counted(db: Connection, rows: Rows) -> None:
    course, user = rows.course(), rows.user()
    rows.enrollment(course, user_id=user, status="completed")
    db.execute(delete(User).where(User.id == user))
    assert counts(db, course) == (0, 0)


def test_a_course_goes_with_its_enrollments_and_ratings(db: Connection, rows: Rows) -> None:
    course = rows.course()
    rate(rows, course, 5)
    db.execute(delete(Course).where(Course.id == course))
    left = select(func.count()).select_from(Enrollment).where(Enrollment.course_id == course)
    assert db.scalar(left) == 0


def test_enrolling_at_once_loses_no_count(engine: Engine, db: Connection, rows: Rows) -> None:
    course, users = rows.course(), [rows.user() for _ in range(40)]

    def enroll(user: UUID) -> None:
        with engine.begin() as connection:
            connection.execute(insert(Enrollment).values(course_id=course, user_id=user))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(enroll, users))
    assert counts(db, course) == (40, 0)


def test_loads_of_the_same_courses_do_not_dead_lock(engine: Engine, db: Connection, rows: Rows) -> None:
    courses = [rows.course() for _ in range(6)]
    users = [rows.user() for _ in range(30)]

    def load(user: UUID) -> None:
        order = courses if user.int % 2 else courses[::-1]
        with engine.begin() as connection:
            connection.execute(insert(Enrollment).values([{"course_id": one, "user_id": user} for one in order]))

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(load, users))
    assert [counts(db, course) for course in courses] == [(30, 0)] * 6


def test_progress_does_not_touch_the_course(db: Connection, rows: Rows) -> None:
    course = rows.course()
    enrollment = rows.enrollment(course)
    version = text("SELECT xmin::text FROM courses WHERE id = :id")
    before = db.scalar(version, {"id": course})
    db.execute(update(Enrollment).where(Enrollment.id == enrollment).values(progress_percentage=50, status="active"))
    db.execute(update(Enrollment).where(Enrollment.id == enrollment).values(status="suspended"))
    assert db.scalar(version, {"id": course}) == before


def test_rating_follows_insert_update_and_delete(db: Connection, rows: Rows) -> None:
    course = rows.course()
    assert rating(db, course) == (Decimal("0.00"), 0)
    first, second, third = (rate(rows, course, stars) for stars in (5, 4, 4))
    assert rating(db, course) == (Decimal("4.33"), 3)
    db.execute(update(CourseRating).where(CourseRating.id == first).values(rating=1))
    assert rating(db, course) == (Decimal("3.00"), 3)
    db.execute(delete(CourseRating).where(CourseRating.id.in_([first, second])))
    assert rating(db, course) == (Decimal("4.00"), 1)
    db.execute(delete(CourseRating).where(CourseRating.id == third))
    assert rating(db, course) == (Decimal("0.00"), 0)


def test_a_rating_moves_with_its_course(db: Connection, rows: Rows) -> None:
    old, new = rows.course(), rows.course()
    moved = rate(rows, old, 2)
    rate(rows, old, 5)
    db.execute(update(CourseRating).where(CourseRating.id == moved).values(course_id=new, rating=3))
    assert (rating(db, old), rating(db, new)) == ((Decimal("5.00"), 1), (Decimal("3.00"), 1))
