"""The audit trail: one row for a change, in the change's transaction, without secrets."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from pyramid.config import Configurator
from pyramid.response import Response
from pyramid.security import NO_PERMISSION_REQUIRED
from sqlalchemy import select

from lms_core.kernel.audit import audit
from lms_core.kernel.core import Core
from lms_core.kernel.errors import Conflict
from lms_core.kernel.models import AuditLog
from lms_core.kernel.redaction import REDACTED
from lms_core.kernel.traversal import Root
from lms_core.testing.client import Client

THING = uuid.UUID(int=7)


def change(context: Any, request: Any) -> Response:
    audit(request.db, request, "thing.renamed", "thing", THING, old={"name": "a"}, new={"name": "b", "token": "x"})
    if "fail" in request.GET:
        raise Conflict("taken", "Taken.")
    return Response("changed")


def probes(config: Configurator) -> None:
    config.add_view(change, context=Root, name="change", request_method="POST", permission=NO_PERMISSION_REQUIRED)


@pytest.fixture
def client(make_app: Callable[..., Client]) -> Client:
    return make_app(probes)


def rows(core: Core) -> list[Any]:
    with core.reader() as connection:
        return list(connection.execute(select(AuditLog)))


def test_a_change_leaves_a_row(client: Client, core: Core) -> None:
    client.post("/change", headers={"User-Agent": "curl/8"}, extra_environ={"REMOTE_ADDR": "192.0.2.7"})
    (row,) = rows(core)
    assert (row.action, row.resource_type, row.resource_id, row.user_id) == ("thing.renamed", "thing", THING, None)
    assert (row.old_values, row.new_values) == ({"name": "a"}, {"name": "b", "token": REDACTED})
    assert (str(row.ip_address), row.user_agent) == ("192.0.2.7", "curl/8")


def test_it_names_who_did_it(client: Client, core: Core, student: Any) -> None:
    client.bearer(student.client.authorization[1]).post("/change")
    (row,) = rows(core)
    assert row.user_id == student.id


def test_what_is_rolled_back_leaves_none(client: Client, core: Core) -> None:
    client.post("/change?fail", status=409)
    assert rows(core) == []


def test_tasks_and_commands_have_no_request(core: Core) -> None:
    with core.transaction() as db:
        audit(db, None, "thing.pruned", "thing", None)
    (row,) = rows(core)
    assert (row.ip_address, row.user_agent, row.old_values, row.new_values) == (None, None, None, None)
