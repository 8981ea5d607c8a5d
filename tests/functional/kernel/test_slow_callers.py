"""Callers that are slow, on purpose or not, against the running product: everybody else is answered meanwhile."""

import json
import select
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import httpx
import pytest

from lms_core.testing.live import ADMIN_EMAIL, ADMIN_PASSWORD, Live

MEGABYTE = 1 << 20
LOGIN, FILES = "/api/v1/auth/login", "/api/v1/files"
THREADS, UPLOADS = 2, 2


@pytest.fixture(scope="module")
def patient(make_live: Callable[..., Live]) -> Iterator[Live]:
    """One process with few threads, which gives up on nobody while a test lasts."""
    running = make_live(
        LMS_WEB_WORKERS="1", LMS_WEB_THREADS=str(THREADS), LMS_WEB_UPLOADS=str(UPLOADS), LMS_WEB_BODY_TIMEOUT="1h"
    )
    yield running.start()
    running.close()


@pytest.fixture(scope="module")
def strict(make_live: Callable[..., Live]) -> Iterator[Live]:
    """One process that waits for a second."""
    running = make_live(LMS_WEB_WORKERS="1", LMS_WEB_UPLOADS=str(UPLOADS), LMS_WEB_BODY_TIMEOUT="1s")
    yield running.start()
    running.close()


@pytest.fixture
def connect() -> Iterator[Callable[..., socket.socket]]:
    """``connect(live, head_and_more)``: a connection that has sent so much; closed after the test."""
    with ExitStack() as stack:

        def make(live: Live, sent: bytes, **options: Any) -> socket.socket:
            url = httpx.URL(live.url)
            connection = stack.enter_context(socket.create_connection((url.host, url.port), timeout=60))
            connection.sendall(sent)
            return connection

        yield make


def head(method: str, path: str, **headers: object) -> bytes:
    lines = [
        f"{method} {path} HTTP/1.1",
        "Host: x",
        *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items()),
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def answer_of(connection: socket.socket) -> tuple[int, dict[str, Any]]:
    """The answer, after which the server must close the connection by itself."""
    received = b""
    while piece := connection.recv(65536):
        received += piece
    begin, _end, body = received.partition(b"\r\n\r\n")
    return int(begin.split()[1]), json.loads(body)


def others_are_answered(live: Live) -> None:
    client = live.login()
    assert client.get("/api/v1/courses").status_code == 200
    signing_in = {"email": ADMIN_EMAIL, "password": ADMIN_PASSWORD}
    again = httpx.post(f"{live.url}{LOGIN}", json=signing_in, headers={"Idempotency-Key": "k"}, timeout=30)
    assert again.status_code == 200


def test_a_hundred_that_send_no_more_than_a_byte_stop_nobody(patient: Live, connect: Any) -> None:
    begun = head("POST", LOGIN, Content_Type="application/json", Content_Length=200) + b"{"
    keyed = head("POST", LOGIN, Content_Type="application/json", Content_Length=200, Idempotency_Key="k") + b"{"
    chunked = head("POST", LOGIN, Content_Type="application/json", Transfer_Encoding="chunked") + b"1\r\n{\r\n"
    for number in range(100):
        connect(patient, (begun, keyed, chunked, head("POST", FILES, Content_Length=50 * MEGABYTE))[number % 4])
    others_are_answered(patient)


def test_uploads_that_stall_stop_nobody(patient: Live, connect: Any) -> None:
    bearer = patient.login().headers["Authorization"]
    for _number in range(20):
        connect(patient, head("POST", FILES, Authorization=bearer, Content_Length=50 * MEGABYTE) + bytes(MEGABYTE))
    others_are_answered(patient)


def test_those_who_take_nothing_of_what_they_asked_for_stop_nobody(patient: Live, connect: Any) -> None:
    client = patient.login()
    made = client.post(FILES, content=bytes(30 * MEGABYTE), timeout=60).json()
    asked = head("GET", f"{FILES}/{made['id']}/content", Authorization=client.headers["Authorization"])
    for _number in range(20):
        assert connect(patient, asked).recv(15) == b"HTTP/1.1 200 OK"
    others_are_answered(patient)


def test_who_sends_no_further_byte_is_cut_off(strict: Live, connect: Any) -> None:
    status, problem = answer_of(connect(strict, head("POST", LOGIN, Content_Length=200) + b"{"))
    assert (status, problem["code"]) == (408, "body_too_slow")


def test_who_sends_a_byte_now_and_then_is_cut_off(strict: Live, connect: Any) -> None:
    connection = connect(strict, head("POST", LOGIN, Transfer_Encoding="chunked"))
    while not select.select([connection], [], [], 0.1)[0]:
        connection.sendall(b"1\r\n{\r\n")
    status, problem = answer_of(connection)
    assert (status, problem["code"]) == (408, "body_too_slow")


def test_an_upload_that_stalls_is_cut_off_and_leaves_nothing(strict: Live, connect: Any) -> None:
    client = strict.login()
    sent = head("POST", FILES, Authorization=client.headers["Authorization"], Content_Length=2 * MEGABYTE)
    status, problem = answer_of(connect(strict, sent + bytes(MEGABYTE)))
    assert (status, problem["code"]) == (408, "body_too_slow")
    assert client.get(FILES).json()["items"] == []
    assert [path for path in (strict.data / "files").rglob("*") if path.is_file()] == []


def test_where_every_place_for_uploads_is_taken_the_next_hears_when_to_come_back(strict: Live, connect: Any) -> None:
    bearer = strict.login().headers["Authorization"]
    asking = head("POST", FILES, Authorization=bearer, Content_Length=1000 * MEGABYTE, Expect="100-continue")
    taken = [connect(strict, asking) for _place in range(UPLOADS)]
    for connection in taken:
        assert connection.recv(65536).startswith(b"HTTP/1.1 100")
    waiting = connect(strict, asking)
    while not select.select([waiting], [], [], 0.1)[0]:
        for connection in taken:
            connection.sendall(bytes(MEGABYTE))
    status, problem = answer_of(waiting)
    assert (status, problem["code"]) == (503, "busy")


def test_a_body_that_breaks_off_does_nothing(strict: Live, connect: Any) -> None:
    """Sent in chunks, nothing but the last one says that it is whole."""
    client = strict.login()
    sent = head(
        "POST", f"{FILES}?name=half", Authorization=client.headers["Authorization"], Transfer_Encoding="chunked"
    )
    connection = connect(strict, sent + b"4\r\nhalf\r\n")
    connection.shutdown(socket.SHUT_WR)
    while connection.recv(65536):
        pass
    assert client.get(FILES).json()["items"] == []


def test_nothing_but_the_head_matters_for_how_a_path_is_read(strict: Live, connect: Any) -> None:
    status, problem = answer_of(connect(strict, head("GET", "/api/v1/courses/%ff%00", Connection="close")))
    assert (status, problem["code"]) == (404, "not_found")
