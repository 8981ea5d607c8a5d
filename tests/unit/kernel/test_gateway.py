"""The gateway alone, over applications of a few lines: what they see of a request, and what becomes of an answer."""

import asyncio
import threading
from collections.abc import Iterable, Iterator
from typing import Any

import pytest

from lms_core.kernel.gateway import Gateway
from lms_core.settings import Settings, load_settings

LIMIT = 200_000


@pytest.fixture
def settings() -> Settings:
    ini = {
        "sqlalchemy.url": "embedded:", "lms.broker.url": "embedded:", "lms.jwt.keys": "-", "lms.secret.keys": "-",
        "lms.certificates.keys": "-",
    }  # fmt: skip
    return load_settings({**ini, "lms.web.body_limit": str(LIMIT), "lms.web.threads": "2"}, {})


class Caller:
    """The server's side of a request: frames of a body, and then silence, or the end of the connection."""

    def __init__(self, *frames: bytes, leaves: bool = False) -> None:
        self._frames, self._leaves = [*frames, b""], leaves
        self.heard: list[dict[str, Any]] = []

    async def receive(self) -> dict[str, Any]:
        if self._frames:
            body = self._frames.pop(0)
            if self._frames or not self._leaves:
                return {"type": "http.request", "body": body, "more_body": bool(self._frames)}
        if not self._leaves:
            await asyncio.Event().wait()
        return {"type": "http.disconnect"}

    async def send(self, message: dict[str, Any]) -> None:
        self.heard.append(message)

    @property
    def body(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.heard)


def scope(path: bytes = b"/", headers: Iterable[tuple[bytes, bytes]] = (), method: str = "POST") -> dict[str, Any]:
    return {
        "type": "http", "http_version": "1.1", "method": method, "scheme": "http", "raw_path": path,
        "query_string": b"a=%ff", "server": ("127.0.0.1", "6543"), "client": ("192.0.2.7", "4711"),
        "headers": list(headers),
    }  # fmt: skip


def ask(application: Any, settings: Settings, caller: Caller, asked: dict[str, Any]) -> Caller:
    async def run() -> None:
        await Gateway(application, settings)(asked, caller.receive, caller.send)

    asyncio.run(asyncio.wait_for(run(), 30))
    return caller


def seen(settings: Settings, asked: dict[str, Any], *frames: bytes) -> dict[str, Any]:
    environs: list[dict[str, Any]] = []

    def application(environ: dict[str, Any], start: Any) -> list[bytes]:
        environs.append({**environ, "body": environ["wsgi.input"].read(10 * LIMIT)})
        start("204 No Content", [])
        return []

    ask(application, settings, Caller(*frames), asked)
    return environs[0]


def test_the_head_is_as_wsgi_has_it(settings: Settings) -> None:
    headers = [(b"host", b"x"), (b"cookie", b"a=1"), (b"cookie", b"b=2"), (b"accept", b"a/b"), (b"accept", b"c/d"),
               (b"x-note", b"caf\xe9"), (b"content-type", b"text/plain")]  # fmt: skip
    environ = seen(settings, scope(b"/a%2Fb%C3%BC%00", headers))
    assert environ["PATH_INFO"] == "/a/b\xc3\xbc\x00"
    assert environ["QUERY_STRING"] == "a=%ff"
    assert (environ["HTTP_COOKIE"], environ["HTTP_ACCEPT"]) == ("a=1; b=2", "a/b,c/d")
    assert (environ["HTTP_X_NOTE"], environ["CONTENT_TYPE"]) == ("café", "text/plain")
    assert (environ["REMOTE_ADDR"], environ["SERVER_PROTOCOL"]) == ("192.0.2.7", "HTTP/1.1")


def test_no_header_passes_for_another(settings: Settings) -> None:
    headers = [(b"x_forwarded_for", b"192.0.2.1"), (b"content_length", b"7"), (b"wsgi.input", b"x")]
    environ = seen(settings, scope(headers=headers))
    assert "HTTP_X_FORWARDED_FOR" not in environ
    assert "CONTENT_LENGTH" not in environ
    assert environ["HTTP_WSGI.INPUT"] == "x"
    assert environ["body"] == b""


@pytest.mark.parametrize("frames", [(b"ab", b"", b"c"), (b"x" * 70_000, b"y" * 70_000), ()])
@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_is_there_before_the_application_is_asked(
    settings: Settings, frames: tuple[bytes, ...], chunked: bool
) -> None:
    whole = b"".join(frames)
    header = (b"transfer-encoding", b"chunked") if chunked else (b"content-length", str(len(whole)).encode())
    environ = seen(settings, scope(headers=[header]), *frames)
    assert environ["body"] == whole
    assert environ.get("CONTENT_LENGTH", "0") == str(len(whole))
    assert "HTTP_TRANSFER_ENCODING" not in environ or not whole


def test_a_larger_one_comes_while_it_is_read(settings: Settings) -> None:
    frames = (b"x" * 150_000, b"y" * 150_000, b"z")
    environ = seen(settings, scope(headers=[(b"transfer-encoding", b"chunked")]), *frames)
    # Up to where it was known to be too large; the rest is for another read.
    assert b"".join(frames).startswith(environ["body"])
    assert len(environ["body"]) > LIMIT
    assert "CONTENT_LENGTH" not in environ


class Pieces:
    """An iterator that knows whether it was closed."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = iter(pieces)
        self.taken, self.closed = 0, False
        self.threads: set[str] = set()

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        self.taken += 1
        self.threads.add(threading.current_thread().name)
        return next(self._pieces)

    def close(self) -> None:
        self.closed = True


def answering(pieces: Any) -> Any:
    def application(_environ: Any, start: Any) -> Any:
        start("200 OK", [("X-Note", "café")])
        return pieces

    return application


def test_an_answer_in_pieces_is_made_by_the_threads_and_closed(settings: Settings) -> None:
    pieces = Pieces([b"a", b"", b"b"])
    caller = ask(answering(pieces), settings, Caller(), scope(method="GET"))
    assert (caller.heard[0]["status"], caller.heard[0]["headers"]) == (200, [(b"X-Note", b"caf\xe9")])
    assert caller.body == b"ab"
    assert caller.heard[-1] == {"type": "http.response.body", "body": b""}
    assert pieces.closed
    assert all(name.startswith("lms-web") for name in pieces.threads)


def test_nothing_is_made_for_a_caller_who_is_gone(settings: Settings) -> None:
    pieces = Pieces(b"x" for _each in range(1_000_000))
    ask(answering(pieces), settings, Caller(leaves=True), scope(method="GET"))
    assert pieces.closed
    assert pieces.taken < 10_000


def test_an_iterator_that_breaks_is_closed_and_its_answer_left_unfinished(settings: Settings) -> None:
    def breaking() -> Iterator[bytes]:
        yield b"a"
        raise OSError("the disk is gone")

    pieces = Pieces(breaking())
    caller = Caller()
    with pytest.raises(OSError, match="the disk is gone"):
        ask(answering(pieces), settings, caller, scope(method="GET"))
    assert pieces.closed
    assert caller.heard[-1].get("more_body")


def test_what_goes_wrong_around_the_application_is_a_500(settings: Settings) -> None:
    def application(_environ: Any, _start: Any) -> Any:
        raise RuntimeError("broken")

    caller = ask(application, settings, Caller(), scope(method="GET"))
    assert caller.heard[0]["status"] == 500
    assert b"broken" not in caller.body
    assert b'"internal_error"' in caller.body


def test_a_body_that_ends_early_is_told_to_the_application(settings: Settings) -> None:
    failures: list[Any] = []

    def application(environ: Any, start: Any) -> list[bytes]:
        failures.append(environ["lms.body_failure"])
        start("400 Bad Request", [])
        return []

    ask(application, settings, Caller(b"half", leaves=True), scope(headers=[(b"content-length", b"8")]))
    assert failures[0].code == "body_incomplete"
