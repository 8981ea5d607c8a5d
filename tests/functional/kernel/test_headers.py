"""Security headers, request ids and CORS on every answer, and whose address counts."""

from collections.abc import Callable
from typing import Any

import pytest
from pyramid.config import Configurator
from pyramid.response import Response
from pyramid.security import NO_PERMISSION_REQUIRED

from lms_core.kernel.errors import Conflict
from lms_core.kernel.headers import client_address
from lms_core.kernel.traversal import Root
from lms_core.settings import SettingsError
from lms_core.testing.client import Client

MakeApp = Callable[..., Client]
ORIGIN = "https://learn.example.org"


def probe(context: Root, request: Any) -> Response:
    return Response(json_body={"address": client_address(request), "id": request.request_id})


def own_headers(context: Root, request: Any) -> Response:
    response = Response("x")
    response.headerlist += [("Cache-Control", "public, max-age=60"), ("content-security-policy", "default-src 'self'")]
    return response


def refusing(context: Root, request: Any) -> Response:
    raise Conflict("taken", "Taken.")


def failing(context: Root, request: Any) -> Response:
    raise RuntimeError("the password is hunter2")


def probes(config: Configurator) -> None:
    for name, view in {"probe": probe, "own": own_headers, "refusing": refusing, "failing": failing}.items():
        config.add_view(view, context=Root, name=name, permission=NO_PERMISSION_REQUIRED)


@pytest.fixture
def client(make_app: MakeApp) -> Client:
    return make_app(probes)


@pytest.mark.parametrize(
    ("path", "status"), [("/probe", 200), ("/nowhere", 404), ("/refusing", 409), ("/failing", 500)]
)
def test_every_answer_carries_them(client: Client, path: str, status: int) -> None:
    answer = client.get(path, status=status)
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Strict-Transport-Security" not in answer.headers
    assert "Vary" not in answer.headers


def test_a_fault_tells_nothing(client: Client) -> None:
    answer = client.get("/failing", status=500)
    assert "hunter2" not in answer.text
    assert answer.json["requestId"] == answer.headers["X-Request-Id"]


def test_a_view_may_set_its_own(client: Client) -> None:
    answer = client.get("/own")
    assert answer.headers.getall("Cache-Control") == ["public, max-age=60"]
    assert answer.headers.getall("Content-Security-Policy") == ["default-src 'self'"]


def test_browsers_are_told_to_stay_on_https(make_app: MakeApp) -> None:
    answer = make_app(probes, lms__url="https://learn.example.org").get("/probe")
    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"


def test_a_sane_request_id_is_kept(client: Client) -> None:
    answer = client.get("/probe", headers={"X-Request-Id": "a.b_C-9"})
    assert answer.headers["X-Request-Id"] == answer.json["id"] == "a.b_C-9"


@pytest.mark.parametrize("odd", ["", "a b", "x" * 65, "<script>", "é"])
def test_an_odd_request_id_is_replaced(client: Client, odd: str) -> None:
    answer = client.get("/probe", headers={"X-Request-Id": odd})
    assert answer.headers["X-Request-Id"] == answer.json["id"] != odd
    assert len(answer.json["id"]) == 32


def test_request_ids_differ(client: Client) -> None:
    assert client.get("/probe").json["id"] != client.get("/probe").json["id"]


@pytest.fixture
def shared(make_app: MakeApp) -> Client:
    return make_app(probes, lms__cors__origins=(ORIGIN, "http://localhost:5173/"))


@pytest.mark.parametrize(("path", "status"), [("/probe", 200), ("/refusing", 409), ("/failing", 500)])
def test_a_known_origin_may_read_answers(shared: Client, path: str, status: int) -> None:
    answer = shared.get(path, headers={"Origin": ORIGIN}, status=status)
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert answer.headers["Access-Control-Allow-Credentials"] == "true"
    assert {"Accept-Ranges", "Content-Range", "ETag", "Location", "Retry-After", "X-Request-Id"} <= set(
        answer.headers["Access-Control-Expose-Headers"].split(", ")
    )
    assert answer.headers["Vary"] == "Origin"
    assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", f"{ORIGIN}.evil.example", "http://learn.example.org"]
)
def test_another_origin_may_not(shared: Client, origin: str) -> None:
    for answer in (shared.get("/probe", headers={"Origin": origin}), ask_first(shared, origin)):
        assert not [name for name in answer.headers if name.startswith("Access-Control-")]
        assert answer.headers["Vary"] == "Origin"


def ask_first(client: Client, origin: str) -> Any:
    headers = {"Origin": origin, "Access-Control-Request-Method": "PUT"}
    return client.options("/api/v1/users/me", headers=headers, status=204)


def test_a_browser_that_asks_first_hears_what_it_may_send(shared: Client) -> None:
    answer = ask_first(shared, "http://localhost:5173")
    assert answer.headers["Access-Control-Allow-Origin"] == "http://localhost:5173"
    assert "PUT" in answer.headers["Access-Control-Allow-Methods"].split(", ")
    allowed = answer.headers["Access-Control-Allow-Headers"].split(", ")
    assert {"Authorization", "Content-Type", "If-Match", "Idempotency-Key", "X-CSRF-Token"} <= set(allowed)
    assert answer.headers["Access-Control-Allow-Credentials"] == "true"
    assert "Content-Type" not in answer.headers


def test_without_origins_nobody_hears_of_cors(client: Client) -> None:
    answer = client.get("/probe", headers={"Origin": ORIGIN})
    assert not [name for name in answer.headers if name.startswith("Access-Control-")]


@pytest.mark.parametrize(
    "word", ["*", "learn.example.org", "https://a.example/path", "https://a.example?x", "ftp://a.example"]
)
def test_an_origin_that_is_none_stops_the_start(make_app: MakeApp, word: str) -> None:
    with pytest.raises(SettingsError, match=r"^lms\.cors\.origins: "):
        make_app(probes, lms__cors__origins=(word,))


@pytest.mark.parametrize(
    ("proxies", "peer", "forwarded", "expected"),
    [
        (0, "203.0.113.9", None, "203.0.113.9"),
        (0, "203.0.113.9", "198.51.100.1", "203.0.113.9"),
        (1, "10.0.0.1", "198.51.100.1", "198.51.100.1"),
        (1, "10.0.0.1", "1.2.3.4, 198.51.100.1", "198.51.100.1"),
        (2, "10.0.0.1", "1.2.3.4, 198.51.100.1, 10.0.0.2", "198.51.100.1"),
        (2, "10.0.0.1", "198.51.100.1", "198.51.100.1"),
        (1, "10.0.0.1", None, "10.0.0.1"),
        (1, "10.0.0.1", "nonsense", "10.0.0.1"),
        (1, "10.0.0.1", "198.51.100.1:4711", "198.51.100.1"),
        (1, "10.0.0.1", "[2001:db8::1]:4711", "2001:db8::1"),
        (0, "::ffff:203.0.113.9", None, "203.0.113.9"),
        (0, "fe80::1%eth0", None, "fe80::1"),
        (0, "", None, "127.0.0.1"),
    ],
)
def test_the_address_is_the_last_one_nobody_of_ours_wrote(
    make_app: MakeApp, proxies: int, peer: str, forwarded: str | None, expected: str
) -> None:
    client = make_app(probes, lms__web__trusted_proxies=proxies)
    headers = {"X-Forwarded-For": forwarded} if forwarded is not None else {}
    answer = client.get("/probe", headers=headers, extra_environ={"REMOTE_ADDR": peer})
    assert answer.json["address"] == expected
