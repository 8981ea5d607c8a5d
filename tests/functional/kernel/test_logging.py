"""Request logs: what is kept of a request, what is not, and that no request waits for it."""

import dataclasses
import datetime as dt
import json
import logging
import multiprocessing
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

import pytest
from marshmallow import fields
from pyramid.config import Configurator
from pyramid.response import Response
from pyramid.security import NO_PERMISSION_REQUIRED
from sqlalchemy import select
from structlog.testing import capture_logs

from lms_core.kernel.core import Core
from lms_core.kernel.db import make_engine
from lms_core.kernel.errors import Conflict
from lms_core.kernel.models import SystemLog
from lms_core.kernel.redaction import REDACTED, is_secret, redact, redact_query
from lms_core.kernel.requestlog import BATCH, WAITING, RequestLog
from lms_core.kernel.schemas import Schema
from lms_core.kernel.traversal import ApiRoot, Collection, Item, Root
from lms_core.testing.client import Client

MakeApp = Callable[..., Client]
KEY = "00000000-0000-0000-0000-00000000000a"


class Things(Collection):
    """``/api/v1/things``."""


class Thing(Item):
    """``/api/v1/things/{thingId}``: any id will do."""


class SecretBody(Schema):
    name = fields.String()
    password = fields.String()
    rows = fields.List(fields.Dict())


def fine(context: Any, request: Any) -> Response:
    return Response("fine")


def refusing(context: Any, request: Any) -> Response:
    raise Conflict("taken", "Taken.")


def failing(context: Any, request: Any) -> Response:
    raise RuntimeError("the password is hunter2")


def probes(config: Configurator) -> None:
    config.add_child(ApiRoot, "things", Things)
    config.add_item(Things, Thing, param="thingId")
    options = {"permission": NO_PERMISSION_REQUIRED}
    config.add_view(fine, context=Root, name="fine", **options)
    config.add_view(fine, context=Thing, **options)
    config.add_view(refusing, context=Thing, name="refuse", **options)
    config.add_view(failing, context=Root, name="fail", body=SecretBody, **options)


@pytest.fixture
def client(make_app: MakeApp) -> Client:
    return make_app(probes, lms__log__requests=True)


def rows(client: Client, core: Core) -> list[Any]:
    """What was logged so far, in order."""
    assert client.app.registry.request_log.flush()
    with core.reader() as connection:
        return list(connection.execute(select(SystemLog).order_by(SystemLog.created_at)))


def test_a_request_leaves_a_row(client: Client, core: Core) -> None:
    headers = {"User-Agent": "curl/8", "X-Request-Id": "r-1"}
    client.get(f"/api/v1/things/{KEY}?page=2", headers=headers, extra_environ={"REMOTE_ADDR": "192.0.2.7"})
    (row,) = rows(client, core)
    assert (row.action, row.request_method, row.request_path) == ("GET Thing", "GET", f"/api/v1/things/{KEY}?page=2")
    assert (row.resource_type, str(row.resource_id)) == ("Thing", KEY)
    assert (str(row.ip_address), row.user_agent, row.request_id) == ("192.0.2.7", "curl/8", "r-1")
    assert (row.response_status, row.error_message, row.request_body, row.user_id) == (200, None, None, None)
    assert 0 <= row.response_time_ms < 10_000


def test_a_refusal_is_kept_by_its_code(client: Client, core: Core) -> None:
    client.post(f"/api/v1/things/{KEY}/refuse", status=409)
    (row,) = rows(client, core)
    assert (row.action, row.response_status, row.error_message) == ("POST Thing/refuse", 409, "taken")


def test_a_fault_is_kept_with_its_place_and_no_secret(client: Client, core: Core) -> None:
    body = {"name": "Ada", "password": "hunter2", "rows": [{"resetToken": "hunter2", "n": 1}]}
    client.post_json("/fail", body, status=500)
    (row,) = rows(client, core)
    assert row.error_message.startswith("RuntimeError at ")
    assert json.loads(row.request_body) == {
        "name": "Ada",
        "password": REDACTED,
        "rows": [{"resetToken": REDACTED, "n": 1}],
    }
    assert "hunter2" not in repr(row)


def test_the_body_of_a_success_is_not_kept(client: Client, core: Core) -> None:
    client.post_json("/fine", {"name": "Ada"})
    (row,) = rows(client, core)
    assert row.request_body is None


def test_secrets_in_the_address_are_not_kept(client: Client, core: Core) -> None:
    client.get("/fine?token=hunter2&q=a%20b&pass%77ord=hunter2")
    (row,) = rows(client, core)
    assert row.request_path == f"/fine?token={REDACTED}&q=a%20b&pass%77ord={REDACTED}"


def test_an_address_that_is_no_text_is_kept_readable(client: Client, core: Core) -> None:
    client.get("/%00%ff/nowhere", status=404)
    (row,) = rows(client, core)
    assert row.request_path == "/\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}/nowhere"
    assert row.action.startswith("GET ")


def test_names_that_callers_make_up_are_no_actions(client: Client, core: Core) -> None:
    client.get("/no-such-view", status=404)
    (row,) = rows(client, core)
    assert row.action == "GET Root"


@pytest.mark.filterwarnings("ignore:Unknown REQUEST_METHOD")
def test_a_method_that_callers_make_up_is_kept_short(client: Client, core: Core) -> None:
    client.request(f"/api/v1/things/{KEY}", method="X" * 5000)
    (row,) = rows(client, core)
    assert (row.request_method, row.action) == ("X" * 16, f"{'X' * 16} Thing")


def test_health_checks_are_not_logged(client: Client, core: Core) -> None:
    client.get("/health/live")
    assert rows(client, core) == []


def test_rows_can_be_switched_off(make_app: MakeApp, core: Core) -> None:
    client = make_app(probes, lms__log__requests=False)
    client.get("/fine")
    assert rows(client, core) == []


def test_one_line_for_each_request(make_app: MakeApp) -> None:
    client = make_app(probes, lms__log__level="info")
    with capture_logs() as lines:
        client.get("/fine?code=hunter2", headers={"X-Request-Id": "r-2"})
    (line,) = lines
    assert (line["event"], line["method"], line["status"], line["request_id"]) == ("request", "GET", 200, "r-2")
    assert line["path"] == f"/fine?code={REDACTED}"


def row(**values: Any) -> dict[str, Any]:
    return {"action": "GET Root", "created_at": dt.datetime.now(dt.UTC), **values}


@pytest.fixture
def cut_off(core: Core) -> Core:
    """A core whose database does not answer."""
    return dataclasses.replace(core, engine=make_engine("postgresql://nobody@127.0.0.1:1/nothing"))


def test_without_a_database_rows_are_lost_and_counted(cut_off: Core) -> None:
    log = RequestLog(cut_off)
    with capture_logs() as lines:
        log.add(row())
        log.add(row())
        assert log.flush()
        log.add(row())
        assert log.flush()
        log.close()
    assert [(line["event"], line["rows"]) for line in lines] == [("request_log_dropped", 2), ("request_log_dropped", 3)]


def test_no_request_waits_while_the_database_is_slow(core: Core) -> None:
    log = RequestLog(core)
    with core.transaction() as db:
        db.connection().exec_driver_sql("LOCK TABLE system_logs IN ACCESS EXCLUSIVE MODE")
        for _number in range(WAITING + BATCH + 100):
            log.add(row())
    assert log.flush(30)
    log.close()
    with core.reader() as connection:
        kept = len(connection.execute(select(SystemLog.id)).all())
    assert WAITING <= kept <= WAITING + BATCH


def test_a_process_writes_its_rows_before_it_ends(core: Core) -> None:
    log = RequestLog(core)
    log.add(row())
    assert log.flush()
    core.close()
    child = multiprocessing.get_context("fork").Process(target=log.add, args=(row(),))
    child.start()
    child.join(30)
    assert child.exitcode == 0
    with core.reader() as connection:
        assert len(connection.execute(select(SystemLog.id)).all()) == 2
    log.close()


def test_closing_ends_the_thread(core: Core) -> None:
    # The application of the tests has a log of its own, whose thread may be there.
    before = set(threading.enumerate())
    log = RequestLog(core)
    log.add(row())
    assert [thread.name for thread in set(threading.enumerate()) - before] == ["request-log"]
    log.close()
    assert set(threading.enumerate()) <= before


SCRIPT = """
import logging, sys, warnings
import structlog
from lms_core.kernel.logging import configure_logging
from lms_core.settings import load_settings

keys = dict.fromkeys(("lms.jwt.keys", "lms.secret.keys", "lms.certificates.keys"), "generated:")
places = {"sqlalchemy.url": "embedded:", "lms.broker.url": "embedded:"}
configure_logging(load_settings({**keys, **places, "lms.log.format": sys.argv[1], "lms.log.level": sys.argv[2]}, {}))
structlog.get_logger("lms.x").info("said", token="hunter2", course="c")
logging.getLogger("other.library").warning("spoke %s", "up")
logging.getLogger("other.library").debug("whispered")
try:
    raise ValueError("broken")
except ValueError:
    structlog.get_logger("lms.x").exception("failed")
"""


def said(form: str, level: str) -> str:
    command = (sys.executable, "-W", "ignore", "-c", SCRIPT, form, level)
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_lines_are_json_whoever_logs() -> None:
    ours, theirs, failure = [json.loads(line) for line in said("json", "info").splitlines()]
    assert (ours["event"], ours["level"], ours["logger"], ours["token"]) == ("said", "info", "lms.x", REDACTED)
    assert (theirs["event"], theirs["level"], theirs["logger"]) == ("spoke up", "warning", "other.library")
    assert ours["timestamp"].endswith("Z")
    assert "ValueError: broken" in failure["exception"]


def test_lines_for_people_and_levels() -> None:
    output = said("console", "error")
    assert "said" not in output
    assert "spoke" not in output
    assert "failed" in output
    assert "ValueError" in output


def test_configuring_the_application_leaves_logging_alone(make_app: MakeApp) -> None:
    before = list(logging.getLogger().handlers)
    make_app(probes)
    assert logging.getLogger().handlers == before


@pytest.mark.parametrize(
    "name",
    ["password", "newPassword", "password_hash", "accessToken", "refresh_token", "token", "code", "X-CSRF-Token",
     "Authorization", "Set-Cookie", "totp_secret", "backupCodes", "access_code", "otp", "api_key", "apiKey"],
)  # fmt: skip
def test_these_names_are_secret(name: str) -> None:
    assert is_secret(name)


@pytest.mark.parametrize(
    "name", ["title", "email", "country_code_name", "encoding", "page", "option", "pinned", "status"]
)
def test_these_are_not(name: str) -> None:
    assert not is_secret(name)


def test_redaction_reaches_every_depth_and_changes_nothing_else() -> None:
    value = {"a": [{"token": "x", "b": (1, {"secret": 2})}], "c": None}
    assert redact(value) == {"a": [{"token": REDACTED, "b": [1, {"secret": REDACTED}]}], "c": None}
    assert value["a"][0]["token"] == "x"  # type: ignore[index]


@pytest.mark.parametrize(
    ("query", "kept"),
    [
        ("", ""),
        ("a=1&b=2", "a=1&b=2"),
        ("a=1&token=x&b=2", f"a=1&token={REDACTED}&b=2"),
        ("%74oken=x", f"%74oken={REDACTED}"),
        ("token", "token"),
        ("a=%zz&code=1&code=2", f"a=%zz&code={REDACTED}&code={REDACTED}"),
    ],
)
def test_query_strings(query: str, kept: str) -> None:
    assert redact_query(query) == kept
