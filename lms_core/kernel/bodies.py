"""The body of a request: all there before anything is taken for it, or a stream that must keep coming.

A body of up to ``lms.web.body_limit`` bytes is received whole before traversal begins, so that a slow sender holds no
connection to the database, no transaction and no idempotency key; under ``lms serve`` (:mod:`lms_core.kernel.gateway`)
not even a thread. A larger one is for those views alone that take uploads, piece by piece, with :func:`stream`; every
other view refuses it.
"""

import io
from collections.abc import Callable, Iterator, MutableMapping
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

from pyramid.response import Response
from pyramid.tweens import EXCVIEW

from lms_core.kernel.errors import BadRequest, LMSError, TookTooLong
from lms_core.kernel.i18n import _

if TYPE_CHECKING:
    from pyramid.config import Configurator
    from pyramid.registry import Registry

    from lms_core.kernel.request import Request

Handler = Callable[["Request"], Response]
Environ = MutableMapping[str, Any]

PIECE = 64 * 1024
"""Bytes of which each must arrive within ``lms.web.body_timeout``: by default at least 4 KiB a second, on average."""
_WHOLE = "lms.body"
"""In the environ, the file that holds the whole body; None where the body is a stream; missing where there is none."""
_FAILURE = "lms.body_failure"
"""In the environ, the error that receiving the body ended with."""


class Source(Protocol):
    """What a body is read from; nothing more comes where it answers no bytes."""

    def read(self, size: int, /) -> bytes: ...


def too_slow() -> LMSError:
    return TookTooLong("body_too_slow", _("The body of the request came too slowly."))


def incomplete() -> LMSError:
    return BadRequest("body_incomplete", _("The body of the request ended too early."))


def keep_whole(environ: Environ, body: BinaryIO, length: int) -> None:
    """Put a body that is all there into the environ, as one of known length, however it was sent."""
    environ.update({_WHOLE: body, "wsgi.input": body, "CONTENT_LENGTH": str(length), "webob.is_body_seekable": True})
    environ.pop("HTTP_TRANSFER_ENCODING", None)


def keep_stream(environ: Environ, source: Source) -> None:
    """Put a body that is still on its way into the environ; one of unknown length has no ``CONTENT_LENGTH``."""
    environ.update({_WHOLE: None, "wsgi.input": source})


def keep_failure(environ: Environ, error: LMSError) -> None:
    """Let the request be answered with the error that its body ended with."""
    keep_whole(environ, io.BytesIO(), 0)
    environ[_FAILURE] = error


def announced(environ: Environ) -> int | None:
    """How long the body says it is: 0 for none, None where only its end will tell. Raises BadRequest."""
    length = environ.get("CONTENT_LENGTH")
    if length:
        if not (length.isascii() and length.isdecimal()):
            raise BadRequest("body_incomplete", _("Content-Length is not a number."))
        return int(length)
    return None if "HTTP_TRANSFER_ENCODING" in environ and environ.get("wsgi.input_terminated") else 0


def body_tween(handler: Handler, registry: "Registry") -> Handler:
    """Receive the body where the server has not. Its errors are answered like any other's."""
    limit = registry.core.settings.integer("lms.web.body_limit")

    def tween(request: "Request") -> Response:
        environ = request.environ
        if _WHOLE not in environ:
            _receive(environ, limit)
        elif _FAILURE in environ:
            raise environ[_FAILURE]
        return handler(request)

    return tween


def _receive(environ: Environ, limit: int) -> None:
    length = announced(environ)
    if length == 0:
        return None
    source: Source = environ["wsgi.input"]
    if length is not None and length > limit:
        return keep_stream(environ, source)
    body = _read(source, limit + 1 if length is None else length)
    if length is not None and len(body) < length:
        raise incomplete()
    if len(body) > limit:
        return keep_stream(environ, Resumed(io.BytesIO(body), source))
    return keep_whole(environ, io.BytesIO(body), len(body))


def _read(source: Source, size: int) -> bytes:
    """So many bytes, fewer only at the end."""
    pieces: list[bytes] = []
    try:
        while size and (piece := source.read(size)):
            pieces.append(piece)
            size -= len(piece)
    except OSError:  # How servers say that the caller is gone.
        raise incomplete() from None
    return b"".join(pieces)


class Resumed:
    """A body whose beginning was received already."""

    def __init__(self, beginning: BinaryIO, rest: Source) -> None:
        self._beginning, self._rest = beginning, rest

    def read(self, size: int, /) -> bytes:
        return self._beginning.read(size) or self._rest.read(size)


def whole_body(request: "Request") -> bytes | None:
    """The body, empty where there is none; None where it is longer than ``lms.web.body_limit``."""
    environ = request.environ
    if _WHOLE not in environ:
        return b""
    file: BinaryIO | None = environ[_WHOLE]
    if file is None:
        return None
    file.seek(0)
    body = file.read()
    file.seek(0)
    return body


class Stream:
    """A body to be read once, in pieces. ``length`` is what the caller announced, or None."""

    def __init__(self, source: Source, length: int | None) -> None:
        self._source = source
        self.length = length
        self.received = 0
        """Bytes so far."""

    def read(self, size: int = PIECE) -> bytes:
        """So many bytes, fewer only at the end. Raises 408 ``body_too_slow`` and 400 ``body_incomplete``."""
        wanted = size if self.length is None else min(size, self.length - self.received)
        piece = _read(self._source, wanted)
        self.received += len(piece)
        if self.length is not None and len(piece) < wanted:
            raise incomplete()
        return piece

    def __iter__(self) -> Iterator[bytes]:
        """Pieces of 64 KiB; the last is shorter."""
        while piece := self.read():
            yield piece


def stream(request: "Request") -> Stream:
    """The body of an upload, of any length, for the view to store as it comes.

    Ask for it once it is clear that the caller may send it, and before the first statement of ``request.db``: who sends
    slowly must not hold a transaction open. The connection of reads goes back to its pool; using ``request.reader``
    again takes another.
    """
    request.let_reader_go()
    environ = request.environ
    return Stream(environ["wsgi.input"], announced(environ))


def includeme(config: "Configurator") -> None:
    config.add_tween("lms_core.kernel.bodies.body_tween", under=EXCVIEW)
