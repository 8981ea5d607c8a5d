"""Whether the process lives, whether it can serve, and who may read the counts."""

import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from lms_core.testing.client import Client
from lms_core.testing.statements import Statements

MakeApp = Callable[..., Client]
Counting = Callable[[], AbstractContextManager[Statements]]


def test_alive_needs_no_database(app: Client, statements: Counting) -> None:
    with statements() as seen:
        assert app.get("/health/live").json == {"status": "ok"}
    assert seen.count == 0, seen


def test_ready(app: Client, statements: Counting) -> None:
    checks = {"database": "ok", "migrations": "ok", "broker": "ok"}
    assert app.get("/health/ready").json == {"status": "ok", "checks": checks}
    with statements() as seen:
        app.get("/health/ready")
    assert seen.count == 1, seen


def test_a_database_without_the_schema_is_not_ready(make_app: MakeApp, empty_database_url: str) -> None:
    answer = make_app(sqlalchemy__url=empty_database_url).get("/health/ready", status=503)
    assert answer.json["checks"]["database"] == "ok"
    assert answer.json["checks"]["migrations"].startswith("behind")


def test_no_database_is_not_ready_but_alive(make_app: MakeApp) -> None:
    client = make_app(sqlalchemy__url="postgresql://nobody@127.0.0.1:1/nothing")
    answer = client.get("/health/ready", status=503)
    assert answer.json["status"] == "unavailable"
    assert answer.json["checks"] == {"database": "no answer", "migrations": "no answer", "broker": "ok"}
    client.get("/health/live")


def test_opensearch_that_answers_is_named(make_app: MakeApp, opensearch_url: str) -> None:
    answer = make_app(lms__opensearch__url=opensearch_url).get("/health/ready").json
    assert answer["status"] == "ok"
    assert answer["checks"] == {"database": "ok", "migrations": "ok", "broker": "ok", "opensearch": "ok"}


def test_opensearch_that_is_down_degrades_and_stops_nothing(make_app: MakeApp) -> None:
    answer = make_app(lms__opensearch__url="http://lms:hidden@127.0.0.1:1").get("/health/ready", status=200)
    assert (answer.json["status"], answer.json["checks"]["opensearch"]) == ("degraded", "no answer")
    assert "hidden" not in answer.text


def test_a_missing_database_weighs_more(make_app: MakeApp) -> None:
    client = make_app(
        sqlalchemy__url="postgresql://nobody@127.0.0.1:1/nothing", lms__opensearch__url="http://127.0.0.1:1"
    )
    assert client.get("/health/ready", status=503).json["status"] == "unavailable"


def test_counts_are_by_view_method_and_status(make_app: MakeApp) -> None:
    client = make_app()
    client.get("/health/live")
    client.get("/no-such-thing", status=404)
    client.get("/no-such-thing-either", status=404)
    page = client.get("/metrics")
    assert page.content_type == "text/plain"
    assert 'lms_requests_total{method="GET",status="200",view="health_live"} 1.0' in page.text
    assert 'lms_requests_total{method="GET",status="404",view="Root"} 2.0' in page.text
    assert 'lms_request_seconds_count{method="GET",view="health_live"} 1.0' in page.text


@pytest.mark.parametrize("address", ["192.0.2.1", "2001:db8::1"])
def test_counts_are_for_this_machine(app: Client, address: str) -> None:
    app.get("/metrics", extra_environ={"REMOTE_ADDR": address}, status=404)
    app.get("/metrics", extra_environ={"REMOTE_ADDR": "::1"})


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded"])
def test_who_comes_through_a_proxy_of_this_machine_is_not_of_it(app: Client, header: str) -> None:
    app.get("/metrics", headers={header: "127.0.0.1"}, status=404)


def test_or_for_who_shows_the_token(make_app: MakeApp) -> None:
    client = make_app(lms__metrics__token="a-token-of-the-collector")
    away = {"REMOTE_ADDR": "192.0.2.1"}
    client.get("/metrics", status=404)
    client.get("/metrics", headers={"Authorization": "Bearer wrong"}, status=404)
    client.get("/metrics", headers={"Authorization": "Bearer a-token-of-the-collector"}, extra_environ=away)


COUNTING = """
from lms_core.kernel.health import Metrics
metrics = Metrics()
metrics.requests.labels("Root", "GET", 200).inc()
print(metrics.page().decode())
"""


def test_processes_that_share_a_folder_add_up(tmp_path: Path) -> None:
    environ = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    for expected in ("1.0", "2.0"):
        command = (sys.executable, "-W", "ignore", "-c", COUNTING)
        page = subprocess.run(command, env=environ, capture_output=True, text=True, check=True).stdout
        assert f'lms_requests_total{{method="GET",status="200",view="Root"}} {expected}' in page
