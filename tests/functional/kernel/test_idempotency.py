"""Idempotency-Key: sent twice, done once."""

import hashlib
import io
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from marshmallow import fields
from pyramid.config import Configurator
from pyramid.response import Response
from pyramid.security import NO_PERMISSION_REQUIRED
from sqlalchemy import func, select, update

from lms_core.kernel import idempotency
from lms_core.kernel.core import Core
from lms_core.kernel.errors import Conflict
from lms_core.kernel.models import DeadLetter, IdempotencyKey
from lms_core.kernel.schemas import Schema
from lms_core.kernel.traversal import Root
from lms_core.testing.client import Client


class Body(Schema):
    name = fields.String(required=True)


def made(request: Any) -> int:
    return int(request.db.scalar(select(func.count()).select_from(DeadLetter)))


def make(request: Any, name: str) -> None:
    """Any row will do: what counts is how many there are."""
    row = {"event_id": func.gen_random_uuid(), "subscriber": name, "name": name, "payload": {}, "error": ""}
    request.db.add(DeadLetter(**row, occurred_at=request.core.clock()))
    request.db.flush()


def create(context: Any, request: Any) -> Any:
    make(request, request.validated["name"])
    if request.validated["name"] == "refused" and "again" not in request.headers:
        raise Conflict("taken", "Taken.")
    if request.validated["name"] == "slow":
        request.registry.started.set()
        time.sleep(0.3)
    request.response.location = "/things/1"
    request.response.set_cookie("session", "secret")
    return {"name": f"{request.validated['name']} {made(request)}"}


def broken(context: Any, request: Any) -> Response:
    make(request, "broken")
    return Response(status=503)


def empty(context: Any, request: Any) -> None:
    make(request, "empty")


def probes(config: Configurator) -> None:
    config.registry.started = threading.Event()
    options = {"context": Root, "permission": NO_PERMISSION_REQUIRED, "request_method": "POST"}
    config.add_view(create, name="create", body=Body, returns=Body, status=201, **options)
    config.add_view(create, name="always", body=Body, returns=Body, idempotent=False, **options)
    config.add_view(broken, name="broken", **options)
    config.add_view(empty, name="empty", status=204, **options)
    config.add_view(create, name="update", body=Body, returns=Body, **{**options, "request_method": "PUT"})


@pytest.fixture
def client(make_app: Callable[..., Client]) -> Client:
    return make_app(probes)


def post(
    client: Client, name: str = "a", key: str = "k-1", path: str = "/create", status: int = 201, **headers: str
) -> Any:
    return client.post_json(path, {"name": name}, headers={"Idempotency-Key": key, **headers}, status=status)


def test_the_second_time_gets_the_first_answer(client: Client) -> None:
    first, second = post(client), post(client)
    assert second.json == first.json == {"name": "a 1"}
    assert second.headers["Location"] == first.headers["Location"]
    assert second.content_type == "application/json"
    assert "Idempotent-Replayed" not in first.headers
    assert second.headers["Idempotent-Replayed"] == "true"
    assert post(client, key="k-2").json == {"name": "a 2"}


def test_without_a_key_it_is_done_again(client: Client) -> None:
    for number in (1, 2):
        assert client.post_json("/create", {"name": "a"}, status=201).json == {"name": f"a {number}"}


def test_an_answer_without_a_body(client: Client) -> None:
    for replayed in (None, "true"):
        answer = client.post("/empty", headers={"Idempotency-Key": "k"}, status=204)
        assert answer.headers.get("Idempotent-Replayed") == replayed
        assert "Content-Type" not in answer.headers


def test_answers_rest_sealed_and_cookies_are_not_kept(client: Client, core: Core) -> None:
    post(client)
    with core.reader() as connection:
        kept = connection.execute(select(IdempotencyKey)).one()
    assert b"a 1" not in kept.body
    assert "Set-Cookie" not in kept.headers
    assert "Set-Cookie" not in post(client).headers


@pytest.mark.parametrize(("name", "path"), [("b", "/create"), ("a", "/create?x=1"), ("a", "/empty")])
def test_a_key_belongs_to_one_request(client: Client, name: str, path: str) -> None:
    post(client)
    assert post(client, name, path=path, status=422).json["code"] == "idempotency_key_reused"


def send(client: Client, body: bytes, status: int, *, path: str = "/create", length: int | None = None) -> Any:
    """The body in chunks, unless it has a length."""
    environ: dict[str, Any] = {"wsgi.input": io.BytesIO(body), "HTTP_IDEMPOTENCY_KEY": "k-1"}
    if length is None:
        environ |= {"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"}
    else:
        environ["CONTENT_LENGTH"] = str(length)
    request = client.RequestClass.blank(path, environ, method="POST")
    request.content_type = "application/json"
    return client.do_request(request, status=status)


def test_a_body_in_chunks_counts_as_any_other(client: Client) -> None:
    assert send(client, b'{"name": "a"}', 201).json == {"name": "a 1"}
    assert send(client, b'{"name": "b"}', 422).json["code"] == "idempotency_key_reused"
    assert send(client, b'{"name": "a"}', 201, length=13).headers["Idempotent-Replayed"] == "true"


def test_of_an_upload_its_length_counts(make_app: Callable[..., Client]) -> None:
    client = make_app(probes, lms__web__body_limit=100)
    send(client, b"x" * 101, 204, path="/empty", length=101)
    assert send(client, b"y" * 101, 204, path="/empty", length=101).headers["Idempotent-Replayed"] == "true"
    assert send(client, b"x" * 102, 422, path="/empty", length=102).json["code"] == "idempotency_key_reused"
    assert send(client, b"x" * 101, 411, path="/empty").json["code"] == "length_required"


def test_nobody_can_guess_from_what_is_kept_what_was_asked(client: Client, core: Core) -> None:
    post(client)
    body = b'{"name": "a"}'
    hashes = {hashlib.sha256(prefix + body).hexdigest() for prefix in (b"", b"POST /create?\n")}
    with core.reader() as connection:
        assert connection.scalar(select(IdempotencyKey.fingerprint)) not in hashes


def test_a_key_outlives_a_new_secret(client: Client, make_app: Callable[..., Client]) -> None:
    post(client)
    old = client.app.registry.core.settings.text("lms.secret.keys")
    rotated = make_app(probes, lms__secret__keys=f"another-key-that-only-these-tests-know {old}")
    assert post(rotated).headers["Idempotent-Replayed"] == "true"
    assert post(rotated, "b", status=422).json["code"] == "idempotency_key_reused"


@pytest.mark.parametrize("key", ["", "x" * 201, " a", "a\tb", "ü"])
def test_a_key_is_printable_ascii(client: Client, key: str) -> None:
    assert post(client, key=key, status=422).json["code"] == "idempotency_key_invalid"


def test_the_longest_key(client: Client) -> None:
    assert post(client, key="x" * 200).json == post(client, key="x" * 200).json


def test_a_refusal_is_forgotten(client: Client) -> None:
    post(client, "refused", status=409)
    assert post(client, "refused", again="1").json == {"name": "refused 1"}


def test_a_body_that_was_refused_may_be_corrected(client: Client) -> None:
    client.post_json("/create", {"nonsense": 1}, headers={"Idempotency-Key": "k-1"}, status=422)
    assert post(client).json == {"name": "a 1"}


def test_a_fault_is_forgotten(client: Client) -> None:
    for _number in range(2):
        answer = client.post("/broken", headers={"Idempotency-Key": "k"}, status=503)
        assert "Idempotent-Replayed" not in answer.headers


def test_a_view_may_do_without(client: Client) -> None:
    for number in (1, 2):
        assert post(client, path="/always", status=200).json == {"name": f"a {number}"}


def test_other_methods_take_no_key(client: Client) -> None:
    for number in (1, 2):
        answer = client.put_json("/update", {"name": "a"}, headers={"Idempotency-Key": "k"})
        assert answer.json == {"name": f"a {number}"}


def test_keys_of_different_people_never_meet(client: Client, make_person: Any) -> None:
    ada, bob = (client.bearer(make_person().client.authorization[1]) for _number in range(2))
    assert [post(caller).json["name"] for caller in (ada, bob, client, ada, bob, client)] == ["a 1", "a 2", "a 3"] * 2


def test_nor_those_of_strangers_at_different_addresses(client: Client) -> None:
    for number, address in enumerate(("192.0.2.1", "192.0.2.2"), start=1):
        headers = {"Idempotency-Key": "k"}
        environ = {"REMOTE_ADDR": address}
        answer = client.post_json("/create", {"name": "a"}, headers=headers, extra_environ=environ)
        assert answer.json == {"name": f"a {number}"}


def test_twins_at_the_same_time_are_done_once(client: Client, core: Core) -> None:
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _number: post(client.anonymous(), "slow"), range(4)))
    assert [answer.json for answer in answers] == [{"name": "slow 1"}] * 4
    assert sorted(answer.headers.get("Idempotent-Replayed", "") for answer in answers) == ["", "true", "true", "true"]
    with core.reader() as connection:
        assert connection.scalar(select(func.count()).select_from(DeadLetter)) == 1


def test_a_twin_waits_so_long_and_no_longer(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(idempotency, "_LOCK_TIMEOUT", "50ms")
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(post, client.anonymous(), "slow")
        assert client.app.registry.started.wait(10)
        answer = post(client, "slow", status=409)
        assert (answer.json["code"], answer.headers["Retry-After"]) == ("try_again", "1")
        assert first.result().json == {"name": "slow 1"}
    assert post(client, "slow").headers["Idempotent-Replayed"] == "true"


def test_a_key_without_an_answer_asks_to_try_again(client: Client, core: Core) -> None:
    post(client)
    with core.transaction() as db:
        db.execute(update(IdempotencyKey).values(status=None))
    assert post(client, status=409).json["code"] == "try_again"
