"""The file in the body of a request: the raw body, or the one file of a form; read as it comes, never held whole."""

from collections.abc import Iterator
from dataclasses import dataclass

from multipart import (  # type: ignore[import-untyped]  # Ships no annotations.
    MultipartError,
    MultipartSegment,
    PushMultipartParser,
    parse_options_header,
)

from lms_core.files.storage import Readable
from lms_core.kernel.bodies import PIECE, Stream, stream
from lms_core.kernel.errors import BadRequest, Invalid, LengthRequired, TooLarge
from lms_core.kernel.i18n import _
from lms_core.kernel.request import Request

FORM = "multipart/form-data"
FORM_OVERHEAD = 1 << 16
"""Bytes that the other fields of a form, and what stands between them, may take."""
MAX_FIELDS = 32
"""Of a form, the file's included."""

BODY_ERRORS = (
    "400 malformed_multipart", "400 body_incomplete", "408 body_too_slow", "411 length_required", "413 file_too_large",
    "422 file_missing", "422 one_file",
)  # fmt: skip
"""What :func:`read_body` and the stream raise."""


@dataclass(frozen=True, slots=True)
class Body:
    """A file on its way in: its name (as it was sent), its bytes, and how many these are at most."""

    name: str
    stream: Readable
    size: int


def read_body(request: Request, max_bytes: int, name: str | None = None) -> Body:
    """The file that a request carries; of a form, all that stands before the file has been read by then.

    ``name`` is what it is called, whatever a form says.

    A body without ``Content-Length`` is refused: where the connection breaks, nobody could tell its end from a cut.
    Raises 400 ``malformed_multipart``, 411 ``length_required``, 413 ``file_too_large``, 422 ``file_missing``; the
    stream 400 ``body_incomplete`` where the sender is gone, 408 ``body_too_slow``, and 422 ``one_file``.
    """
    length = request.content_length
    if length is None:
        raise LengthRequired(detail=_("Send the length of the body; to send without it, use a resumable upload."))
    is_form = request.content_type == FORM
    if length > max_bytes + (FORM_OVERHEAD if is_form else 0):
        raise too_large(max_bytes)
    # The identity is known by now, and nothing else is read until the sender has sent all.
    wire = stream(request)
    if not is_form:
        return Body(name or "", wire, length)
    sent, part = _file_of_form(wire, request.headers["Content-Type"], length)
    return Body(name or sent, part, min(length, max_bytes))


def too_large(limit: int) -> TooLarge:
    return TooLarge("file_too_large", _("The file is larger than ${limit} bytes.", mapping={"limit": limit}))


def _file_of_form(wire: Stream, content_type: str, length: int) -> tuple[str, Readable]:
    """The name and the bytes of the first file of a form."""
    boundary = parse_options_header(content_type)[1].get("boundary", "")
    events = _parsed(wire, boundary, length)
    for event in events:
        if isinstance(event, MultipartSegment) and event.filename is not None:
            return event.filename, _Part(events)
    raise Invalid("file_missing", _("The form has no file."))


def _parsed(wire: Stream, boundary: str, length: int) -> Iterator[MultipartSegment | bytes | None]:
    """A segment, its bytes, None at its end, and so on to the end of the form."""
    try:
        parser = PushMultipartParser(boundary, length, max_segment_count=MAX_FIELDS)
        yield from parser.parse_blocking(wire.read, PIECE)
    except MultipartError:
        raise BadRequest("malformed_multipart", _("The body is not a well-formed multipart form.")) from None


class _Part:
    """The bytes of a form's file. At its end the rest of the form is read, so that half a form is never a whole one."""

    def __init__(self, events: Iterator[MultipartSegment | bytes | None]) -> None:
        self._events = events
        self._held = b""
        self._ended = False

    def read(self, size: int, /) -> bytes:
        if not self._held and not self._ended:
            self._next()
        chunk, self._held = self._held[:size], self._held[size:]
        return chunk

    def _next(self) -> None:
        event = next(self._events)
        if isinstance(event, bytes | bytearray):
            self._held = bytes(event)
            return
        self._ended = True
        for later in self._events:
            if isinstance(later, MultipartSegment) and later.filename is not None:
                raise Invalid("one_file", _("Send one file at a time."))
