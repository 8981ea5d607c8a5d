"""Limits by address and by account, counted here or in Redis."""

import socket
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from pyramid.config import Configurator
from pyramid.response import Response
from pyramid.security import NO_PERMISSION_REQUIRED

from lms_core.kernel.ratelimit import throttle_account
from lms_core.kernel.traversal import Root
from lms_core.settings import SettingsError
from lms_core.testing.client import Client

MakeApp = Callable[..., Client]
LIMITED = {
    "lms__ratelimit__enabled": True,
    "lms__ratelimit__auth_address": "3/minute",
    "lms__ratelimit__login_account": "2/minute",
}


def by_address(context: Root, request: Any) -> Response:
    return Response("fine")


def by_account(context: Root, request: Any) -> Response:
    throttle_account(request, "login", request.GET["account"])
    return Response("fine")


def free(context: Root, request: Any) -> Response:
    return Response("fine")


def probes(config: Configurator) -> None:
    options = {"context": Root, "permission": NO_PERMISSION_REQUIRED}
    config.add_view(by_address, name="address", throttle=("auth",), **options)
    config.add_view(by_account, name="account", **options)
    config.add_view(free, name="free", **options)


def ask(client: Client, path: str = "/address", address: str = "192.0.2.1", status: int = 200) -> Any:
    return client.get(path, extra_environ={"REMOTE_ADDR": address}, status=status)


@pytest.fixture
def client(make_app: MakeApp) -> Client:
    return make_app(probes, **LIMITED)


def test_an_address_is_refused_beyond_its_limit(client: Client) -> None:
    for _number in range(3):
        ask(client)
    answer = ask(client, status=429)
    assert answer.json["code"] == "too_many_requests"
    assert 1 <= int(answer.headers["Retry-After"]) <= 60


def test_another_address_is_not(client: Client) -> None:
    for _number in range(3):
        ask(client)
    ask(client, status=429)
    ask(client, address="192.0.2.2")


def test_addresses_of_one_ipv6_network_are_one(client: Client) -> None:
    for number in range(3):
        ask(client, address=f"2001:db8::{number}")
    ask(client, address="2001:db8::ffff:1", status=429)
    ask(client, address="2001:db8:0:1::1")


def test_a_caller_cannot_dress_up_as_another(client: Client) -> None:
    for number in range(3):
        client.get("/address", headers={"X-Forwarded-For": f"192.0.2.{number}"})
    client.get("/address", headers={"X-Forwarded-For": "192.0.2.99"}, status=429)


def test_a_view_that_names_no_limit_has_none(client: Client) -> None:
    for _number in range(10):
        ask(client, "/free")


def test_an_account_is_refused_from_whatever_address(client: Client) -> None:
    for number, name in enumerate(("ada@example.org", " ADA@example.org ")):
        ask(client, f"/account?account={name}".replace(" ", "%20"), address=f"192.0.2.{number}")
    assert ask(client, "/account?account=ada@example.org", "192.0.2.9", status=429).headers["Retry-After"]
    ask(client, "/account?account=bob@example.org", "192.0.2.9")


def test_limits_can_be_switched_off(make_app: MakeApp) -> None:
    client = make_app(probes, **{**LIMITED, "lms__ratelimit__enabled": False})
    for _number in range(10):
        ask(client)
        ask(client, "/account?account=ada")


def test_processes_share_what_redis_counts(make_app: MakeApp, redis_url: str) -> None:
    account = uuid.uuid4().hex
    one, other = (make_app(probes, **LIMITED, lms__ratelimit__storage=redis_url) for _number in range(2))
    ask(one, f"/account?account={account}")
    ask(other, f"/account?account={account}")
    ask(one, f"/account?account={account}", status=429)


def test_while_redis_is_away_each_process_counts_for_itself(make_app: MakeApp) -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        url = f"redis://127.0.0.1:{reserved.getsockname()[1]}/0"
        client = make_app(probes, **LIMITED, lms__ratelimit__storage=url)
        for _number in range(3):
            ask(client)
        ask(client, status=429)


def test_a_storage_of_no_known_kind_stops_the_start(make_app: MakeApp) -> None:
    with pytest.raises(SettingsError, match=r"^lms\.ratelimit\.storage: "):
        make_app(probes, lms__ratelimit__storage="paper://drawer")
