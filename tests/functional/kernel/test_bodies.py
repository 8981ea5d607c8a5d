"""Bodies of requests: whole before the request begins, or a stream for the view that takes one."""

import hashlib
import io
from collections.abc import Callable
from typing import Any

import pytest
from pyramid.config import Configurator
from pyramid.security import NO_PERMISSION_REQUIRED
from sqlalchemy import text

from lms_core.kernel import bodies
from lms_core.kernel.schemas import Schema
from lms_core.kernel.traversal import Root
from lms_core.testing.client import Client

LIMIT = 1000


class Sender(io.RawIOBase):
    """What a server hands to the application: at most a few bytes at once, and perhaps a sudden end."""

    def __init__(self, body: bytes, *, breaks: bool = False) -> None:
        self._rest, self._breaks = io.BytesIO(body), breaks
        self.taken = 0

    def read(self, size: int = -1) -> bytes:
        piece = self._rest.read(min(size, 7) if size >= 0 else 7)
        if not piece and self._breaks:
            raise OSError("the caller is gone")
        self.taken += len(piece)
        return piece


def echo(context: Any, request: Any) -> dict[str, Any]:
    return request.validated


def store(context: Any, request: Any) -> dict[str, Any]:
    request.reader.execute(text("SELECT 1"))
    body = bodies.stream(request)
    pool = request.core.readers.pool
    held, digest = pool.checkedout(), hashlib.sha256()
    for piece in body:
        digest.update(piece)
    return {"length": body.length, "received": body.received, "digest": digest.hexdigest(), "held": held,
            "one": request.reader.scalar(text("SELECT 1"))}  # fmt: skip


class Note(Schema):
    class Meta:
        unknown = "include"


def probes(config: Configurator) -> None:
    options = {"context": Root, "permission": NO_PERMISSION_REQUIRED, "request_method": "POST"}
    config.add_view(echo, name="echo", body=Note, **options)
    config.add_view(store, name="store", **options)


@pytest.fixture
def client(make_app: Callable[..., Client]) -> Client:
    return make_app(probes, lms__web__body_limit=LIMIT)


def send(client: Client, path: str, sender: Sender, length: int | None, status: int) -> Any:
    """A request as a server gives it; without a length it came in chunks."""
    environ: dict[str, Any] = {"wsgi.input": sender}
    if length is None:
        environ |= {"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"}
    else:
        environ["CONTENT_LENGTH"] = str(length)
    request = client.RequestClass.blank(path, environ, method="POST")
    request.content_type = "application/json"
    return client.do_request(request, status=status)


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_is_read_whole_however_it_is_sent(client: Client, chunked: bool) -> None:
    body = b'{"name": "' + b"a" * 500 + b'"}'
    answer = send(client, "/echo", Sender(body), None if chunked else len(body), 200)
    assert answer.json == {"name": "a" * 500}


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_over_the_limit_is_refused_and_not_read_to_its_end(client: Client, chunked: bool) -> None:
    sender = Sender(b"[" * 100_000)
    answer = send(client, "/echo", sender, None if chunked else 100_000, 413)
    assert answer.json["code"] == "too_large"
    assert sender.taken <= LIMIT + 1


@pytest.mark.parametrize("breaks", [False, True])
def test_a_body_that_ends_too_early_is_refused(client: Client, breaks: bool) -> None:
    answer = send(client, "/echo", Sender(b'{"name": 1}', breaks=breaks), 20, 400)
    assert answer.json["code"] == "body_incomplete"


def test_a_length_that_is_no_number_is_refused(client: Client) -> None:
    request = client.RequestClass.blank("/echo", {"CONTENT_LENGTH": "٣", "wsgi.input": Sender(b"{}")}, method="POST")
    assert client.do_request(request, status=400).json["code"] == "body_incomplete"


@pytest.mark.parametrize("size", [0, 5, LIMIT, LIMIT + 1, 300_000])
@pytest.mark.parametrize("chunked", [False, True])
def test_a_stream_has_every_byte_and_holds_no_connection(client: Client, size: int, chunked: bool) -> None:
    body = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    answer = send(client, "/store", Sender(body), None if chunked else size, 200).json
    known = size if not chunked or size <= LIMIT else None
    assert answer == {
        "length": known, "received": size, "digest": hashlib.sha256(body).hexdigest(), "held": 0, "one": 1,
    }  # fmt: skip


@pytest.mark.parametrize("breaks", [False, True])
def test_a_stream_that_ends_too_early_fails(client: Client, breaks: bool) -> None:
    answer = send(client, "/store", Sender(b"x" * 5000, breaks=breaks), 6000, 400)
    assert answer.json["code"] == "body_incomplete"
