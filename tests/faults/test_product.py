"""The promise to a student: a completed course is told once, whatever happens to broker and worker meanwhile."""

import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from lms_core.accounts.service import create_user
from lms_core.cli import bootstrap
from lms_core.kernel.core import Core
from lms_core.testing.courses import MadeCourse, make_course
from lms_core.testing.live import ADMIN_EMAIL, Live
from tests.faults.conftest import Broker, until

PASSWORD = "Quite-a-long-one-7"


@pytest.fixture
def live(make_live: Callable[..., Live], broker: Broker) -> Iterator[Live]:
    running = make_live(LMS_BROKER_URL=broker.url, LMS_OUTBOX_LEASE="3s").start()
    yield running
    # Or its workers would take the messages of the tests that follow.
    running.close()


@pytest.fixture
def core(live: Live):
    """The installation's database, to arrange and to look."""
    with bootstrap.application(*bootstrap.find_source(None, live.data, {}).read()) as registry:
        yield registry.core


def _student(live: Live, core: Core, number: int) -> tuple[httpx.Client, MadeCourse]:
    """Somebody who has started every lesson of a course of their own."""
    with core.transaction() as db:
        create_user(
            db, core, email=f"student{number}@example.org", password=PASSWORD, first_name="Robin", last_name="Reed"
        )
    admin = live.login(ADMIN_EMAIL).get("/api/v1/users/me").json()["id"]
    course = make_course(core, admin, title=f"Course of student {number}")
    client = live.login(f"student{number}@example.org", PASSWORD)
    client.post("/api/v1/enrollments", json={"courseId": str(course.id)}).raise_for_status()
    for lesson in course.lessons:
        client.post(f"/api/v1/lessons/{lesson}/start").raise_for_status()
    return client, course


def _complete(client: httpx.Client, course: MadeCourse) -> None:
    for lesson in course.lessons:
        state = client.post(f"/api/v1/lessons/{lesson}/complete").raise_for_status().json()
    assert state["courseCompleted"] is True


def _told(client: httpx.Client) -> int:
    items = client.get("/api/v1/notifications", params={"limit": 100}).json()["items"]
    return sum(item["type"] == "course_completed" for item in items)


def _mails(data: Path, words: str) -> int:
    return sum(f"Subject: You have completed {words}" in path.read_text() for path in (data / "mail").glob("*.eml"))


def _quiet(core: Core) -> bool:
    with core.reader() as connection:
        return connection.exec_driver_sql("SELECT count(*) FROM outbox WHERE finished_at IS NULL").scalar() == 0


def _workers(live: Live) -> list[psutil.Process]:
    found = []
    for process in live.processes():
        try:
            if "worker" in process.cmdline():
                found.append(process)
        except psutil.Error:
            continue
    return found


def test_the_broker_is_away_while_a_course_is_completed(live: Live, core: Core, broker: Broker):
    client, course = _student(live, core, 1)
    until(lambda: _quiet(core), "what came before is delivered")
    broker.run("stop")
    _complete(client, course)
    assert (_told(client), _mails(live.data, "Course of student 1")) == (0, 0)
    broker.run("start")
    until(lambda: _mails(live.data, "Course of student 1"), "the mail arrives")
    until(lambda: _quiet(core), "and nothing waits any more")
    assert (_told(client), _mails(live.data, "Course of student 1")) == (1, 1)


def test_workers_killed_while_courses_are_completed(live: Live, core: Core):
    students = [_student(live, core, number) for number in range(2, 6)]
    for client, course in students:
        _complete(client, course)
        for process in _workers(live):
            process.send_signal(signal.SIGKILL)
    until(lambda: _quiet(core), "everything is delivered after all")
    assert [_told(client) for client, _course in students] == [1, 1, 1, 1]
    assert [_mails(live.data, f"Course of student {number}") for number in range(2, 6)] == [1, 1, 1, 1]
