"""Where OpenSearch is, and what is said of one that does not do what it should."""

import base64
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from lms_core.kernel.opensearch import OpenSearchAddress
from lms_core.settings import Settings, SettingsError

Address = Callable[[str], OpenSearchAddress]


@pytest.fixture
def address(settings: Settings) -> Address:
    """The address that a URL names."""

    def read(url: str) -> OpenSearchAddress:
        found = OpenSearchAddress.from_settings(settings.replace(lms__opensearch__url=url))
        assert found is not None
        return found

    return read


@contextmanager
def answering(status: int, body: bytes) -> Iterator[tuple[str, list[str]]]:
    """A server that always answers so: where it is, and the credentials and paths it was asked with."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(f"{self.headers.get('Authorization')} {self.path}")
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_arguments: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_port}", asked
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize(
    ("status", "body", "state"),
    [
        (200, b'{"status": "green"}', "ok"),
        (200, b'{"status": "yellow"}', "ok"),
        (200, b'{"status": "red"}', "has lost data"),
        (401, b"", "refuses our credentials"),
        (403, b"", "refuses our credentials"),
        (503, b"{}", "no answer"),
        (200, b"<html>", "no answer"),
        (200, b"[]", "no answer"),
        (200, b"{}", "no answer"),
        (200, b'{"status": {"a": 1}}', "no answer"),
        (200, b'{"status": "green", "x": "' + b"x" * 100_000 + b'"}', "no answer"),
    ],
)
def test_what_is_said_of_an_answer(address: Address, status: int, body: bytes, state: str) -> None:
    with answering(status, body) as (place, _asked):
        assert address(f"http://{place}").state(5) == state


def test_credentials_and_prefix_are_sent(address: Address) -> None:
    with answering(200, b'{"status": "green"}') as (place, asked):
        address(f"http://lms:p%40ss@{place}/search/").state(5)
    assert asked == [f"Basic {base64.b64encode(b'lms:p@ss').decode()} /search/_cluster/health"]


def test_one_that_never_answers_is_not_waited_for(address: Address) -> None:
    with ExitStack() as stack:
        silent = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        assert address(f"http://127.0.0.1:{silent.getsockname()[1]}").state(0.05) == "no answer"


def test_one_that_speaks_no_tls_is_no_answer(address: Address) -> None:
    with answering(200, b'{"status": "green"}') as (place, _asked):
        assert address(f"https://{place}?verify=false").state(5) == "no answer"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://search.example.org", ("search.example.org", 443, True, "", "", "", True)),
        ("http://[::1]:9200/a/", ("::1", 9200, False, "/a", "", "", True)),
        ("https://a:b%2Fc@h:1?verify=false", ("h", 1, True, "", "a", "b/c", False)),
    ],
)
def test_a_url_is_read(address: Address, url: str, expected: tuple[Any, ...]) -> None:
    found = address(url)
    names = ("host", "port", "secure", "prefix", "user", "password", "verify")
    assert tuple(getattr(found, name) for name in names) == expected
    assert "b/c" not in repr(found)


@pytest.mark.parametrize(
    "url",
    ["https://", "https://h:hidden", "ftp://h", "https://a:hidden@h?verify=no", "https://h?x=hidden", "http://h#a"],
)
def test_a_url_that_means_nothing_stops_the_start(make_app: Any, url: str) -> None:
    with pytest.raises(SettingsError) as refused:
        make_app(lms__opensearch__url=url)
    assert "lms.opensearch.url" in str(refused.value)
    assert "hidden" not in str(refused.value)


def test_none_is_named_by_default(settings: Settings) -> None:
    assert OpenSearchAddress.from_settings(settings) is None
