"""What the tables refuse, and what they let through although it looks alike."""

from collections.abc import Mapping
from uuid import UUID

import pytest
from sqlalchemy import Connection, Engine, delete, func, insert, select, text, update
from sqlalchemy.exc import IntegrityError

from lms_core.accounts.models import User
from lms_core.assessment.models import Quiz, QuizAttempt, QuizQuestion, StudentAnswer
from lms_core.courses.models import Course, Lesson, Module
from lms_core.enrollment.models import AccessCode, Enrollment
from lms_core.kernel.db import Base
from lms_core.learning.models import CourseRating
from tests.functional.schema.conftest import Rows


def test_email_is_unique_without_regard_to_case_among_the_living(db: Connection, rows: Rows) -> None:
    first = rows.user(email="Ada@Example.org")
    with pytest.raises(IntegrityError, match="uq_users_email"):
        rows.user(email="ada@example.ORG")
    db.execute(update(User).where(User.id == first).values(deleted_at=func.now()))
    rows.user(email="ada@example.org")


@pytest.mark.parametrize("name", ["code", "slug"])
def test_code_and_slug_are_unique_among_living_courses(db: Connection, rows: Rows, name: str) -> None:
    first = rows.course(**{name: "same"})
    with pytest.raises(IntegrityError, match=f"uq_courses_{name}"):
        rows.course(**{name: "same"})
    db.execute(update(Course).where(Course.id == first).values(deleted_at=func.now()))
    rows.course(**{name: "same"})


@pytest.mark.parametrize("email", ["nobody", "a@b", "a b@c.d", "a@b@c.d", "@b.c"])
def test_what_is_no_address_is_refused(rows: Rows, email: str) -> None:
    with pytest.raises(IntegrityError, match="ck_users_email"):
        rows.user(email=email)


def test_siblings_swap_places_in_one_transaction(engine: Engine, rows: Rows) -> None:
    course = rows.course()
    first, second = (rows.module(course, place) for place in (0, 1))
    with engine.begin() as connection:
        for module, place in ((first, 1), (second, 0)):
            connection.execute(update(Module).where(Module.id == module).values(order_index=place))
        order = connection.scalars(select(Module.id).where(Module.course_id == course).order_by(Module.order_index))
        assert list(order) == [second, first]


def test_two_siblings_cannot_share_a_place(rows: Rows) -> None:
    course = rows.course()
    rows.module(course, 0)
    with pytest.raises(IntegrityError, match="uq_modules_course_id_order_index"):
        rows.module(course, 0)


def quiz_of(rows: Rows) -> tuple[UUID, UUID]:
    """A quiz and its one question."""
    quiz = rows.add(Quiz, module_id=rows.module(rows.course()), title="Quiz", order_index=0)
    question = rows.add(QuizQuestion, quiz_id=quiz, order_index=0, question_text="?", question_type="essay")
    return quiz, question


def test_an_attempt_has_its_number_once(rows: Rows) -> None:
    user, (quiz, _question) = rows.user(), quiz_of(rows)
    rows.add(QuizAttempt, user_id=user, quiz_id=quiz, attempt_number=1)
    with pytest.raises(IntegrityError, match="uq_quiz_attempts"):
        rows.add(QuizAttempt, user_id=user, quiz_id=quiz, attempt_number=1)


def test_an_answered_question_stays_but_goes_with_its_quiz(db: Connection, rows: Rows) -> None:
    quiz, question = quiz_of(rows)
    attempt = rows.add(QuizAttempt, user_id=rows.user(), quiz_id=quiz)
    rows.add(StudentAnswer, attempt_id=attempt, question_id=question)
    with pytest.raises(IntegrityError, match="fk_student_answers_question_id"):
        db.execute(delete(QuizQuestion).where(QuizQuestion.id == question))
    db.execute(delete(Quiz).where(Quiz.id == quiz))
    assert db.scalar(select(func.count()).select_from(StudentAnswer)) == 0


def test_points_are_not_rounded_to_whole_numbers(db: Connection, rows: Rows) -> None:
    _quiz, question = quiz_of(rows)
    db.execute(update(QuizQuestion).where(QuizQuestion.id == question).values(points="0.25", negative_points="0.05"))
    row = db.execute(select(QuizQuestion.points, QuizQuestion.negative_points)).one()
    assert [str(number) for number in row] == ["0.25", "0.05"]


def test_a_teacher_is_not_deleted_from_under_a_course(db: Connection, rows: Rows) -> None:
    teacher = rows.user()
    rows.course(instructor_id=teacher)
    with pytest.raises(IntegrityError, match="fk_courses_instructor_id"):
        db.execute(delete(User).where(User.id == teacher))


def test_a_code_is_not_used_more_often_than_it_may(db: Connection, rows: Rows) -> None:
    code = rows.add(AccessCode, course_id=rows.course(), code="WELCOME", max_uses=1, used_count=1)
    with pytest.raises(IntegrityError, match="ck_access_codes_used_count"):
        db.execute(update(AccessCode).where(AccessCode.id == code).values(used_count=AccessCode.used_count + 1))


BAD: Mapping[str, tuple[type[Base], Mapping[str, object]]] = {
    "ck_courses_price": (Course, {"price": -1}),
    "ck_courses_max_students": (Course, {"max_students": 0}),
    "ck_courses_level": (Course, {"level": "expert"}),
    "ck_courses_currency": (Course, {"currency": "euro"}),
    "ck_modules_unlock_type": (Module, {"unlock_type": "never"}),
    "ck_lessons_min_seconds": (Lesson, {"min_seconds": -1}),
    "ck_enrollments_status": (Enrollment, {"status": "paused"}),
    "ck_enrollments_progress_percentage": (Enrollment, {"progress_percentage": "100.01"}),
    "ck_course_ratings_rating": (CourseRating, {"rating": 6}),
}


@pytest.mark.parametrize("constraint", BAD)
def test_values_out_of_range_are_refused(db: Connection, rows: Rows, constraint: str) -> None:
    course = rows.course()
    enrollment = rows.enrollment(course, user_id=(user := rows.user()))
    rows.add(CourseRating, course_id=course, user_id=user, enrollment_id=enrollment, rating=1)
    rows.add(Lesson, module_id=rows.module(course), title="Lesson", content_type="text", order_index=0)
    model, values = BAD[constraint]
    with pytest.raises(IntegrityError, match=constraint):
        db.execute(update(model).values(**values))


@pytest.mark.parametrize("content_type", ["text", "hologram"])
def test_kinds_that_plugins_add_are_open(rows: Rows, content_type: str) -> None:
    rows.add(Lesson, module_id=rows.module(rows.course()), title="L", content_type=content_type, order_index=0)


def test_addresses_come_back_as_text(db: Connection) -> None:
    db.execute(text("INSERT INTO system_logs (action, ip_address) VALUES ('GET', '2001:db8::1')"))
    table = Base.metadata.tables["system_logs"]
    db.execute(insert(table).values(action="GET", ip_address="10.0.0.1"))
    assert set(db.scalars(select(table.c.ip_address))) == {"2001:db8::1", "10.0.0.1"}
