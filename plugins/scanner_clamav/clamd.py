"""The protocol of clamd, as far as it is needed: INSTREAM, a connection for each file."""

import socket
import struct
from typing import BinaryIO
from urllib.parse import urlsplit

from lms_core.plugin_api import ScannerUnavailable, Verdict

CHUNK = 1 << 17
"""Bytes that are sent at a time."""
MAX_ANSWER = 4096
CONNECT_TIMEOUT = 5.0
"""Seconds."""

_LIMITS = "Heuristics.Limits.Exceeded"
"""What clamd "finds" where ``AlertExceedsMax`` is set and it has not looked through all of a file."""


class Clamd:
    """A clamd. Every method raises :class:`ScannerUnavailable` where it does not answer as it should."""

    def __init__(self, url: str, timeout: float) -> None:
        self._url, self._timeout = url, timeout

    def instream(self, stream: BinaryIO) -> str:
        """What clamd says of a stream: ``OK``, ``NAME FOUND`` or ``REASON ERROR``. What the stream raises passes."""
        with self._connected() as connection:
            try:
                connection.sendall(b"zINSTREAM\0")
            except OSError as error:
                raise ScannerUnavailable from error
            while chunk := stream.read(CHUNK):
                # Where it has heard enough it answers in the middle, and hangs up.
                if not _sent(connection, struct.pack("!L", len(chunk)) + chunk):
                    break
            else:
                _sent(connection, struct.pack("!L", 0))
            return _answer(connection)

    def _connected(self) -> socket.socket:
        try:
            if self._url.startswith("unix:"):
                connection = socket.socket(socket.AF_UNIX)
                connection.settimeout(CONNECT_TIMEOUT)
                try:
                    connection.connect(self._url.removeprefix("unix:"))
                except OSError:
                    connection.close()
                    raise
            else:
                place = urlsplit(self._url)
                connection = socket.create_connection((place.hostname or "", place.port or 0), CONNECT_TIMEOUT)
            connection.settimeout(self._timeout)
        except (OSError, ValueError) as error:
            raise ScannerUnavailable from error
        return connection


def _sent(connection: socket.socket, data: bytes) -> bool:
    """Whether it was taken."""
    try:
        connection.sendall(data)
    except (BrokenPipeError, ConnectionResetError):
        return False
    except OSError as error:
        raise ScannerUnavailable from error
    return True


def _answer(connection: socket.socket) -> str:
    """``stream: OK`` and its kin, up to the NUL, without what comes before the colon."""
    heard = b""
    try:
        while b"\0" not in heard and len(heard) < MAX_ANSWER and (more := connection.recv(MAX_ANSWER)):
            heard += more
    except OSError as error:
        raise ScannerUnavailable from error
    answer, end, _rest = heard.partition(b"\0")
    if not end:
        raise ScannerUnavailable from ConnectionError("clamd hung up before it had answered")
    text = answer.decode(errors="replace").strip()
    return text.removeprefix("stream:").strip()


class ClamScanner:
    """The :class:`~lms_core.plugin_api.FileScanner` that asks a clamd."""

    name = "clamav"

    def __init__(self, clamd: Clamd, skip_above: int = 0) -> None:
        self._clamd, self._skip_above = clamd, skip_above

    def scan(self, stream: BinaryIO, size: int) -> Verdict:
        if self._skip_above and size > self._skip_above:
            return Verdict("skipped", f"larger than {self._skip_above} bytes")
        answer = self._clamd.instream(stream)
        if answer == "OK":
            return Verdict("clean")
        if "limit exceeded" in answer or answer.startswith(_LIMITS):
            return Verdict("failed", answer)
        if answer.endswith(" FOUND"):
            return Verdict("infected", answer.removesuffix(" FOUND"))
        raise ScannerUnavailable from ConnectionError(answer)
