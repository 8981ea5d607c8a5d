"""What stands between Granian and the application: an event loop that does all the waiting for the network.

Under Granian's WSGI interface a request has its thread from its head on, and the thread waits for the body to come and
for the caller to take the answer, as long as these please: as many slow callers as there are threads stop the site, and
no timeout ends that. Here a request gets a thread once its body is there, for as long as the application works on it.
What an iterator answers is asked for piece by piece, each when the one before it was taken.

Only a body over ``lms.web.body_limit`` is received while the application works, because who may send it must be known
first. Such requests have a lane of threads of their own, and wait for a place in it outside of any thread.
"""

import asyncio
import io
import sys
from collections.abc import Awaitable, Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import lru_cache
from tempfile import SpooledTemporaryFile
from typing import Any, BinaryIO, cast
from urllib.parse import unquote_to_bytes

import structlog

from lms_core.kernel import bodies
from lms_core.kernel.bodies import PIECE, Environ
from lms_core.kernel.errors import LMSError, Unavailable
from lms_core.kernel.i18n import _
from lms_core.kernel.lanes import Lane
from lms_core.settings import Settings

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

TAKING = 60.0
"""Seconds in which the caller must take each piece of an answer: players pause, and ask again by ``Range``."""
_SERVER: Environ = {
    "SCRIPT_NAME": "", "SERVER_SOFTWARE": "lms", "wsgi.errors": sys.stderr, "wsgi.input_terminated": True,
    "wsgi.multiprocess": True, "wsgi.multithread": True, "wsgi.run_once": False, "wsgi.version": (1, 0),
}  # fmt: skip
_UNNAMED = (b"content-type", b"content-length")
"""Headers that CGI gives no ``HTTP_``."""
_FAULT = b'{"type":"urn:lms:error:internal_error","title":"Internal error","status":500,"code":"internal_error"}'


class Gateway:
    """The ASGI application over a WSGI one. One per process."""

    def __init__(self, application: Callable[..., Iterable[bytes]], settings: Settings) -> None:
        self._application = application
        self._limit = settings.integer("lms.web.body_limit")
        self._patience = settings.seconds("lms.web.body_timeout")
        self._threads = Lane("lms-web", settings.integer("lms.web.threads"))
        self._uploads = Lane("lms-upload", settings.integer("lms.web.uploads"))
        self._places = asyncio.Semaphore(settings.integer("lms.web.uploads"))

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        environ = _environ(scope)
        with ExitStack() as held:
            lane = self._threads
            try:
                if await self._take_body(environ, receive, held):
                    await self._take_place(held)
                    lane = self._uploads
            except LMSError as error:
                bodies.keep_failure(environ, error)
            answer = await lane.run(self._ask, environ)
            await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
            if answer.rest is None:
                await send({"type": "http.response.body", "body": answer.body})
            else:
                await _hand_over(answer.rest, lane, receive, send)

    async def _take_body(self, environ: Environ, receive: Receive, held: ExitStack) -> bool:
        """Receive the body; whether it is a stream, of which the rest comes while the application works."""
        length = bodies.announced(environ)
        if length == 0:
            environ["wsgi.input"] = io.BytesIO()
            return False
        arriving = Arriving(receive, self._patience)
        if length is not None and length > self._limit:
            bodies.keep_stream(environ, arriving)
            return True
        # Many callers at once may send as much as they may: what is more than a piece of each is kept on the disk.
        kept = cast(BinaryIO, held.enter_context(SpooledTemporaryFile(PIECE)))  # noqa: SIM115  # It is one.
        while kept.tell() <= self._limit:
            piece = await arriving.piece()
            if not piece:
                bodies.keep_whole(environ, kept, kept.tell())
                kept.seek(0)
                return False
            kept.write(piece)
        kept.seek(0)
        bodies.keep_stream(environ, bodies.Resumed(kept, arriving))
        return True

    async def _take_place(self, held: ExitStack) -> None:
        """Wait for a thread of the uploads. Raises 503 ``busy``."""
        try:
            async with asyncio.timeout(self._patience):
                await self._places.acquire()
        except TimeoutError:
            raise Unavailable("busy", _("Many files are being sent; try again in a moment."), retry_after=10) from None
        held.callback(self._places.release)

    def _ask(self, environ: Environ) -> "_Answer":
        answer = _Answer()
        try:
            answer.take(self._application(environ, answer.start))
        except Exception as error:
            # Whatever a view raises, the application answers itself; this came from around it.
            structlog.get_logger("lms.gateway").error("unhandled_exception", exc_info=error)
            return _Answer(500, [(b"content-type", b"application/problem+json")], _FAULT)
        return answer


class Arriving:
    """A body that is on its way. Each piece of it must come in time."""

    def __init__(self, receive: Receive, patience: float) -> None:
        self._receive, self._patience = receive, patience
        self._loop = asyncio.get_running_loop()
        self._held = io.BytesIO()
        self._ended = False

    async def piece(self) -> bytes:
        """64 KiB or some more, less only at the end. Raises 408 ``body_too_slow`` and 400 ``body_incomplete``."""
        piece = io.BytesIO()
        try:
            async with asyncio.timeout(self._patience):
                while not self._ended and piece.tell() < PIECE:
                    message = await self._receive()
                    if message["type"] != "http.request":
                        raise bodies.incomplete()
                    piece.write(message["body"])
                    self._ended = not message["more_body"]
        except TimeoutError:
            raise bodies.too_slow() from None
        return piece.getvalue()

    def read(self, size: int, /) -> bytes:
        """Up to so many bytes, none at the end; for a thread, which waits for the loop."""
        held = self._held.read(size)
        if not held:
            self._held = io.BytesIO(asyncio.run_coroutine_threadsafe(self.piece(), self._loop).result())
            held = self._held.read(size)
        return held


@dataclass
class _Answer:
    """What the application answers: all of it, or an iterator over it."""

    status: int = 0
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    body: bytes = b""
    rest: Any = None

    def start(self, status: str, headers: list[tuple[str, str]], _exc_info: Any = None) -> None:
        self.status = int(status[:3])
        self.headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]

    def take(self, pieces: Iterable[bytes]) -> None:
        if isinstance(pieces, list | tuple):
            self.body = b"".join(pieces)
        else:
            self.rest = pieces


async def _hand_over(pieces: Any, lane: Lane, receive: Receive, send: Send) -> None:
    """Send an iterator's pieces, each when the one before it was taken, until the caller is gone."""
    gone = asyncio.ensure_future(_gone(receive))
    try:
        iterator = await lane.run(iter, pieces)
        while not gone.done() and (piece := await lane.run(next, iterator, None)) is not None:
            async with asyncio.timeout(TAKING):
                await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
    finally:
        gone.cancel()
        if hasattr(pieces, "close"):
            await lane.run(pieces.close)


async def _gone(receive: Receive) -> None:
    """Returns when the caller has gone away."""
    while (await receive())["type"] != "http.disconnect":
        pass


def _environ(scope: Message) -> Environ:
    """The request as WSGI has it. The path stays bytes, as which an unreadable one can still be refused."""
    path: bytes = scope["raw_path"]
    environ: Environ = {
        **_SERVER,
        "REQUEST_METHOD": scope["method"],
        "PATH_INFO": (unquote_to_bytes(path) if b"%" in path else path).decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "SERVER_NAME": scope["server"][0],
        "SERVER_PORT": scope["server"][1],
        "REMOTE_ADDR": scope["client"][0],
        "REMOTE_PORT": scope["client"][1],
        "wsgi.url_scheme": scope["scheme"],
    }
    for name, value in scope["headers"]:
        key = _key(name)
        if key is not None:
            text = value.decode("latin-1")
            separator = "; " if name == b"cookie" else ","
            environ[key] = f"{environ[key]}{separator}{text}" if key in environ else text
    return environ


@lru_cache(maxsize=1024)
def _key(name: bytes) -> str | None:
    """Where CGI keeps a header; None for one that would be taken for another (``X_Forwarded_For``)."""
    if b"_" in name:
        return None
    key = name.decode("latin-1").upper().replace("-", "_")
    return key if name in _UNNAMED else f"HTTP_{key}"
