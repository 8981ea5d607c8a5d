"""A database whose connections are all taken, and transactions that nobody goes on with."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from pyramid.config import Configurator
from pyramid.security import NO_PERMISSION_REQUIRED
from sqlalchemy import text

from lms_core.kernel import db
from lms_core.kernel.core import Core
from lms_core.kernel.traversal import Root
from lms_core.testing.client import Client


def command(context: Any, request: Any) -> None:
    request.db.execute(text("SELECT 1"))


def hang(context: Any, request: Any) -> None:
    """A command that waits for something else, far too long, with its transaction open."""
    request.db.execute(text("SET LOCAL idle_in_transaction_session_timeout = '1ms'"))
    process = request.db.scalar(text("SELECT pg_backend_pid()"))
    deadline = time.monotonic() + 30
    while request.reader.scalar(
        text("SELECT count(*) FROM pg_stat_activity WHERE pid = :process"), {"process": process}
    ):
        assert time.monotonic() < deadline
    request.db.execute(text("SELECT 1"))


def probes(config: Configurator) -> None:
    options = {"context": Root, "permission": NO_PERMISSION_REQUIRED, "request_method": "POST"}
    config.add_view(command, name="command", **options)
    config.add_view(hang, name="hang", **options)


@pytest.fixture
def crowded(make_app: Callable[..., Client], monkeypatch: pytest.MonkeyPatch) -> Client:
    """An application of two connections a lane, in which nobody waits long."""
    monkeypatch.setattr(db, "POOL_WAIT", 0.05)
    return make_app(probes, sqlalchemy__pool_size=1)


def test_who_gets_no_connection_to_read_is_told_to_come_back(crowded: Client, student: Any) -> None:
    client = crowded.bearer(student.client.authorization[1])
    core: Core = crowded.app.registry.core
    with core.reader(), core.reader():
        answer = client.get("/api/v1/courses", headers={"Accept-Language": "de"}, status=503)
        assert answer.json["code"] == "busy"
        assert "arbeiten" in answer.json["detail"]
        assert int(answer.headers["Retry-After"]) > 0
    client.get("/api/v1/courses")


def test_who_gets_no_connection_to_write_is_told_to_come_back(crowded: Client) -> None:
    core: Core = crowded.app.registry.core
    with core.engine.connect(), core.engine.connect():
        assert crowded.post("/command", status=503).json["code"] == "busy"
    crowded.post("/command")


def test_a_transaction_that_nobody_goes_on_with_is_rolled_back(crowded: Client, core: Core) -> None:
    with core.engine.connect() as connection:
        assert connection.scalar(text("SHOW idle_in_transaction_session_timeout")) == "10min"
    assert crowded.post("/hang", status=503).json["code"] == "database_unavailable"
    crowded.post("/command")
