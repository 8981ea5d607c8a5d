"""The installation's own worker, killed at the very moment in which it tells somebody something."""

import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress

import psutil
import pytest
from sqlalchemy import text

from lms_core.cli import bootstrap
from lms_core.enrollment.events import CourseCompleted
from lms_core.kernel.core import Core
from lms_core.kernel.events import publish
from lms_core.testing.accounts import make_user
from lms_core.testing.live import Live
from tests.faults.conftest import Broker, until


@pytest.fixture
def live(make_live: Callable[..., Live], broker: Broker) -> Iterator[Live]:
    running = make_live(LMS_BROKER_URL=broker.url, LMS_OUTBOX_LEASE="5s").start()
    yield running
    # Or its workers would take the messages of the tests that follow.
    running.close()


@pytest.fixture
def core(live: Live) -> Iterator[Core]:
    with bootstrap.application(*bootstrap.find_source(None, live.data, {}).read()) as registry:
        yield registry.core


def _workers(live: Live) -> set[psutil.Process]:
    """The worker's main process and its task processes, as far as they live."""
    found = set()
    for process in live.processes():
        with suppress(psutil.Error):
            if "worker" in process.cmdline():
                found.add(process)
    return found


def test_the_worker_is_killed_while_it_writes_a_notification(live: Live, core: Core) -> None:
    student = make_user(core)
    until(lambda: len(_workers(live)) > 1, "the worker has its task processes")
    killed = _workers(live)
    with core.transaction() as lock, core.reader() as db:
        lock.execute(text("LOCK TABLE notifications IN SHARE MODE"))
        with core.transaction() as other:
            publish(other, CourseCompleted(student.id, uuid.uuid4(), uuid.uuid4(), "Bread"))
        stuck = text("SELECT count(*) FROM pg_locks WHERE relation = 'notifications'::regclass AND NOT granted")
        until(lambda: db.execute(stuck).scalar_one(), "its insert waits for the lock")
        for process in killed:
            with suppress(psutil.NoSuchProcess):  # A task process may go with its main process.
                process.kill()
        # The database notices only when its statement ends, which is when the lock is gone.
        until(lambda: _workers(live) - killed, "the worker is started again")
    with core.reader() as db:
        until(lambda: not db.execute(text("SELECT 1 FROM outbox WHERE finished_at IS NULL")).all(), "it is delivered")
        told = db.execute(text("SELECT title FROM notifications WHERE type = 'course_completed'")).scalars().all()
    assert told == ["You have completed Bread"]
    assert len([path for path in (live.data / "mail").glob("*.eml") if "completed Bread" in path.read_text()]) == 1
