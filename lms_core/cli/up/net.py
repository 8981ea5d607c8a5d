"""The port an ``lms up`` serves on: free, and then kept for its web server alone."""

import errno
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from lms_core.cli.failures import CommandError


@contextmanager
def reserved(host: str, port: int) -> Iterator[int]:
    """Keep the port inside the block (0: any free one) and tell its number; the web server can listen on it.

    Web processes share their port among themselves (SO_REUSEPORT), and with any other process of the same user
    that asks likewise, so two servers on one port would each get half of the requests. Hence this check, and for
    two that check at the same moment an abstract Unix socket, which only one can have and which a crash frees.
    Raises CommandError with one line where the port is taken.
    """
    with socket.socket(_family(host), socket.SOCK_STREAM) as keeper, socket.socket(socket.AF_UNIX) as claim:
        _bind(keeper, host, port)
        number = int(keeper.getsockname()[1])
        keeper.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        try:
            claim.bind(f"\0lms-up-{host}-{number}")
        except OSError:
            raise CommandError(_taken(host, number)) from None
        yield number


def check_free(host: str, port: int) -> None:
    """Raises CommandError with one line where another server listens on the port."""
    with socket.socket(_family(host), socket.SOCK_STREAM) as probe:
        _bind(probe, host, port)


def reachable(host: str) -> str:
    """The address under which this machine reaches what listens on ``host``, as it stands in a URL."""
    address = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104  # It is read here, not bound.
    return f"[{address}]" if ":" in address else address


def _bind(own: socket.socket, host: str, port: int) -> None:
    own.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        own.bind((host, port))
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise CommandError(_taken(host, port)) from None
        raise CommandError(f"cannot listen on {host}, port {port}: {error.strerror}") from None


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def _taken(host: str, port: int) -> str:
    return f"port {port} of {host} is in use; stop what listens there, or name another with --port"
