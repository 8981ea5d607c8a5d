"""Times of change, the append-only audit log, the outbox's signal, and what goes with a person or course."""

import datetime as dt
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg.errors import RestrictViolation
from sqlalchemy import Connection, Engine, func, insert, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from lms_core.accounts.models import User
from lms_core.analytics.models import AnalyticsEvent
from lms_core.courses.models import Course
from lms_core.kernel.models import AuditLog, Outbox, SystemLog
from lms_core.testing.database import libpq
from tests.functional.schema.conftest import Rows


def changed_at(db: Connection, course: UUID) -> dt.datetime:
    return db.execute(select(Course.updated_at).where(Course.id == course)).scalar_one()


def test_an_edit_moves_updated_at(db: Connection, rows: Rows) -> None:
    course = rows.course()
    before = changed_at(db, course)
    db.execute(update(Course).where(Course.id == course).values(title="Another"))
    assert changed_at(db, course) > before


def test_two_edits_in_one_transaction_are_two_versions(engine: Engine, rows: Rows) -> None:
    course = rows.course()
    with engine.begin() as connection:
        times = set()
        for title in ("One", "Two"):
            connection.execute(update(Course).where(Course.id == course).values(title=title))
            times.add(changed_at(connection, course))
    assert len(times) == 2


def test_a_counter_leaves_updated_at_alone(db: Connection, rows: Rows) -> None:
    course = rows.course()
    before = changed_at(db, course)
    rows.enrollment(course)
    assert db.scalar(select(Course.enrolled_count).where(Course.id == course)) == 1
    assert changed_at(db, course) == before


def test_the_session_sees_what_the_database_filled_in(engine: Engine, rows: Rows) -> None:
    course = rows.course()
    with Session(engine) as session:
        one = session.get_one(Course, course)
        before = one.updated_at
        one.price = 10  # type: ignore[assignment]  # The column takes any number.
        session.flush()
        assert one.updated_at > before
        assert not one.is_free


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_logs SET action = 'other'",
        "DELETE FROM audit_logs",
        "DELETE FROM audit_logs WHERE false",
        "TRUNCATE audit_logs",
    ],
)
def test_audit_log_refuses_change(db: Connection, statement: str) -> None:
    db.execute(insert(AuditLog).values(action="users.update", resource_type="user"))
    with pytest.raises(IntegrityError) as refused:
        db.execute(text(statement))
    assert isinstance(refused.value.orig, RestrictViolation)
    assert db.scalar(select(func.count()).select_from(AuditLog)) == 1


def test_audit_log_outlives_its_person(db: Connection, rows: Rows) -> None:
    user = rows.user()
    db.execute(insert(AuditLog).values(action="login", resource_type="user", user_id=user))
    db.execute(text("DELETE FROM users WHERE id = :id"), {"id": user})
    assert db.scalar(select(AuditLog.user_id)) == user


def test_a_deleted_person_leaves_no_trace_in_events_and_logs(db: Connection, rows: Rows) -> None:
    user = rows.user()
    db.execute(insert(AnalyticsEvent).values([{"event_type": "view", "user_id": one} for one in (user, None)]))
    db.execute(insert(SystemLog).values(action="GET", user_id=user))
    db.execute(text("DELETE FROM users WHERE id = :id"), {"id": user})
    assert list(db.scalars(select(AnalyticsEvent.user_id))) == [None]
    assert list(db.scalars(select(SystemLog.user_id))) == [None]


def test_a_deleted_course_takes_its_events_along(db: Connection, rows: Rows) -> None:
    course, other = rows.course(), uuid4()
    db.execute(insert(AnalyticsEvent).values([{"event_type": "view", "course_id": one} for one in (course, other)]))
    db.execute(text("DELETE FROM courses WHERE id = :id"), {"id": course})
    assert list(db.scalars(select(AnalyticsEvent.course_id))) == [other]


def test_an_event_wakes_the_relay_when_its_transaction_commits(engine: Engine, database_url: str) -> None:
    with psycopg.connect(libpq(database_url), autocommit=True) as listener:
        listener.execute("LISTEN lms_outbox")
        with engine.connect() as connection:
            connection.execute(insert(Outbox).values(name="course.completed", payload={}))
            assert list(listener.notifies(timeout=0.05)) == []
            connection.commit()
        assert [heard.channel for heard in listener.notifies(timeout=5, stop_after=1)] == ["lms_outbox"]


def test_verified_is_told_by_its_date_alone(db: Connection, rows: Rows) -> None:
    user = rows.user()
    verified = select(User.email_verified).where(User.id == user)
    assert db.scalar(verified) is False
    db.execute(update(User).where(User.id == user).values(email_verified_at=func.now()))
    assert db.scalar(verified) is True
