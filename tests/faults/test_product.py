"""The whole product with a real RabbitMQ: what a student completes reaches them once, whatever breaks meanwhile."""

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import psutil
import pytest
from sqlalchemy import text

import lms_core
from lms_core.kernel import embedded
from lms_core.kernel.core import Core
from lms_core.testing.accounts import bearer, make_user
from lms_core.testing.courses import MadeCourse, make_course
from lms_core.testing.live import Live
from lms_core.testing.plugin import TEST_SETTINGS
from tests.faults.conftest import Broker, until

KEYS = {"LMS_JWT_KEYS": TEST_SETTINGS["lms.jwt.keys"], "LMS_SECRET_KEYS": TEST_SETTINGS["lms.secret.keys"]}
EMAIL = "robin@example.org"


class School:
    """A running installation with one course, and one student who is enrolled in it."""

    def __init__(self, live: Live, core: Core, student: httpx.Client, course: MadeCourse) -> None:
        self.live, self.core = live, core
        self._student, self._course = student, course

    def complete_the_course(self) -> None:
        for lesson in self._course.lessons:
            assert self._student.post(f"/api/v1/lessons/{lesson}/start").is_success
            state = self._student.post(f"/api/v1/lessons/{lesson}/complete")
            assert state.is_success, state.text
        assert state.json()["courseCompleted"] is True

    def told(self) -> int:
        """How many notifications of the completion there are."""
        items = self._student.get("/api/v1/notifications").json()["items"]
        return [item["type"] for item in items].count("course_completed")

    def mails(self) -> int:
        """How many mails of the completion were written."""
        texts = [path.read_text() for path in (self.live.data / "mail").glob("*.eml")]
        return sum("Subject: You have completed" in each for each in texts)

    def is_quiet(self) -> bool:
        with self.core.transaction() as db:
            return db.execute(text("SELECT count(*) FROM outbox WHERE finished_at IS NULL")).scalar_one() == 0

    def workers(self) -> list[psutil.Process]:
        """The worker's main process and its task processes."""
        return [process for process in self.live.processes() if "worker" in process.cmdline()]


@pytest.fixture
def school(tmp_path: Path, broker: Broker) -> Iterator[School]:
    with ExitStack() as stack:
        live = Live(tmp_path / "data", {**KEYS, "LMS_BROKER_URL": broker.url, "LMS_OUTBOX_LEASE": "5s"})
        stack.callback(live.close)
        live.start()
        url = stack.enter_context(embedded.server(live.data))
        raw = {**TEST_SETTINGS, "sqlalchemy.url": url, "lms.data": str(tmp_path / "own")}
        core: Core = lms_core.configure(lms_core.read_settings(raw, {})[0]).registry.core
        stack.callback(core.close)
        user = make_user(core, email=EMAIL)
        headers = {"Authorization": f"Bearer {bearer(core, user)}"}
        student = stack.enter_context(httpx.Client(base_url=live.url, headers=headers, timeout=30))
        course = make_course(core, make_user(core, ("instructor",)).id, title="Bread")
        assert student.post("/api/v1/enrollments", json={"courseId": str(course.id)}).status_code == 201
        school = School(live, core, student, course)
        until(school.is_quiet, "the enrollment is told")
        yield school


def test_a_course_is_completed_while_the_broker_is_down(school: School, broker: Broker) -> None:
    broker.run("stop")
    school.complete_the_course()
    assert (school.told(), school.mails(), school.is_quiet()) == (0, 0, False)
    broker.run("start")
    until(school.is_quiet, "what waited is delivered")
    assert (school.told(), school.mails()) == (1, 1)


def test_the_worker_is_killed_in_the_middle_of_a_notification(school: School) -> None:
    before = {process.pid for process in school.workers()}
    waits = text("SELECT count(*) FROM pg_locks WHERE relation = 'notifications'::regclass AND NOT granted")
    with school.core.transaction() as lock, school.core.reader() as db:
        lock.execute(text("LOCK TABLE notifications IN SHARE MODE"))
        school.complete_the_course()
        until(lambda: db.execute(waits).scalar_one(), "the task stands before its insert")
        for process in school.workers():
            process.kill()
    until(lambda: {process.pid for process in school.workers()} - before, "the worker is started again")
    until(school.is_quiet, "it delivers what the other one could not")
    assert (school.told(), school.mails()) == (1, 1)
    assert os.getpid() not in before
