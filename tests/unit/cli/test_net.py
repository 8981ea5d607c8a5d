"""A port is one installation's alone."""

import socket

import pytest

from lms_core.cli.failures import CommandError
from lms_core.cli.up.net import check_free, reachable, reserved

HOST = "127.0.0.1"


def test_a_reserved_port_is_refused_to_another_and_open_to_its_own_web_server() -> None:
    with reserved(HOST, 0) as port:
        with pytest.raises(CommandError, match=rf"port {port} of 127\.0\.0\.1 is in use"), reserved(HOST, port):
            pass
        check_free(HOST, port)
        with socket.socket() as first, socket.socket() as second:
            for own in (first, second):
                own.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
                own.bind((HOST, port))
                own.listen()
            with pytest.raises(CommandError, match="in use"):
                check_free(HOST, port)
    with reserved(HOST, port):
        pass


def test_a_port_where_somebody_listens_is_refused() -> None:
    with socket.create_server((HOST, 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(CommandError, match=f"port {port}"), reserved(HOST, port):
            pass


def test_an_address_of_another_machine_is_refused_in_one_line() -> None:
    with pytest.raises(CommandError, match=r"^cannot listen on 192\.0\.2\.1, port 0: "), reserved("192.0.2.1", 0):
        pass


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("0.0.0.0", "127.0.0.1"),  # noqa: S104  # Nothing is bound here.
        ("::", "[::1]"),
        ("::1", "[::1]"),
    ],
)
def test_what_listens_everywhere_is_reached_on_loopback(host: str, url: str) -> None:
    assert reachable(host) == url
