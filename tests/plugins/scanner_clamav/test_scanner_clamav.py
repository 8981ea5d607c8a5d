"""The scanner that asks a real clamd: over TCP, over a socket, and when it does not answer as it should."""

import io
import socket
import threading
import zipfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from lms_plugins.scanner_clamav import plugin
from lms_plugins.scanner_clamav.clamd import Clamd, ClamScanner

from lms_core.plugin_api import FileScanner, ScannerUnavailable, Settings
from lms_core.settings import SettingsError, load_settings
from lms_core.testing.network import LOOPBACK, Proxy
from lms_core.testing.plugin import TEST_SETTINGS
from lms_core.testing.scanners import EICAR, HARMLESS, ScannerConformance, Zeros, verdict

NOWHERE = f"tcp://{LOOPBACK}:9"
STREAM_LIMIT = 200 << 20
"""Of the clamd that the tests run against."""


def scanner_at(url: str, timeout: float = 30.0, skip_above: int = 0) -> ClamScanner:
    return ClamScanner(Clamd(url, timeout), skip_above)


@pytest.fixture
def proxy(clamd_url: str) -> Iterator[Proxy]:
    place = urlsplit(clamd_url)
    made = Proxy(place.hostname or "", place.port or 0)
    yield made
    made.close()


@pytest.fixture
def socket_path(clamd_url: str, tmp_path: Path) -> Iterator[Path]:
    """A socket of the file system behind which the same clamd is."""
    place, path, served = urlsplit(clamd_url), tmp_path / "clamd.ctl", []
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen(16)

    def pump(source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(1 << 16):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)

    def serve(client: socket.socket) -> None:
        with client, socket.create_connection((place.hostname, place.port)) as server:
            upward = threading.Thread(target=pump, args=(client, server))
            upward.start()
            pump(server, client)
            with suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)
            upward.join()

    def accept() -> None:
        with suppress(OSError):
            while True:
                client, _address = listener.accept()
                served.append(threading.Thread(target=serve, args=(client,)))
                served[-1].start()

    accepting = threading.Thread(target=accept)
    accepting.start()
    yield path
    listener.shutdown(socket.SHUT_RDWR)
    for thread in (accepting, *served):
        thread.join()
    listener.close()


@pytest.fixture
def answering() -> Iterator[Callable[[bytes], str]]:
    """``answering(b"...")``: the address of something that takes all, says that, and hangs up."""
    listener = socket.create_server((LOOPBACK, 0))

    def answer(said: bytes) -> str:
        def serve() -> None:
            client, _address = listener.accept()
            heard = b""
            while not heard.endswith(b"\0\0\0\0") and (more := client.recv(1 << 16)):
                heard += more
            client.sendall(said)
            client.close()

        threading.Thread(target=serve, daemon=True).start()
        return f"tcp://{LOOPBACK}:{listener.getsockname()[1]}"

    yield answer
    listener.close()


class TestOverTcp(ScannerConformance):
    @pytest.fixture
    def scanner(self, clamd_url: str) -> FileScanner:
        return scanner_at(clamd_url)

    @pytest.fixture
    def down(self) -> FileScanner:
        return scanner_at(NOWHERE)


class TestOverASocket(ScannerConformance):
    @pytest.fixture
    def scanner(self, socket_path: Path) -> FileScanner:
        return scanner_at(f"unix:{socket_path}")

    @pytest.fixture
    def down(self, tmp_path: Path) -> FileScanner:
        return scanner_at(f"unix:{tmp_path / 'missing'}")


def test_malware_is_found_in_an_archive(clamd_url: str) -> None:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("words.txt", HARMLESS["words"])
        archive.writestr("deep/file.com", EICAR)
    found = verdict(scanner_at(clamd_url), made.getvalue())
    assert found.result == "infected"
    assert found.note.startswith("Eicar-Test-Signature")


def test_what_is_larger_than_clamd_takes_is_failed_and_not_clean(clamd_url: str) -> None:
    size = STREAM_LIMIT + (1 << 20)
    found = scanner_at(clamd_url).scan(Zeros(size), size)
    assert found.result == "failed"
    assert "limit exceeded" in found.note


def test_what_is_larger_than_the_setting_is_skipped_unread(clamd_url: str) -> None:
    scanner = scanner_at(clamd_url, skip_above=len(EICAR))
    assert verdict(scanner, EICAR).result == "infected"
    found = verdict(scanner, EICAR + b"\n")
    assert (found.result, found.note) == ("skipped", "larger than 68 bytes")


@pytest.mark.parametrize("sent", [0, 5, 20, 100_000])
def test_a_connection_that_breaks_is_no_verdict(proxy: Proxy, sent: int) -> None:
    scanner = scanner_at(f"tcp://{LOOPBACK}:{proxy.port}")
    proxy.break_after(sent)
    with pytest.raises(ScannerUnavailable):
        verdict(scanner, HARMLESS["noise"])
    assert verdict(scanner, HARMLESS["noise"]).result == "clean"


def test_a_clamd_that_says_nothing_is_not_waited_for_for_ever(proxy: Proxy) -> None:
    proxy.hold()
    with pytest.raises(ScannerUnavailable) as raised:
        verdict(scanner_at(f"tcp://{LOOPBACK}:{proxy.port}", timeout=0.2), HARMLESS["words"])
    assert isinstance(raised.value.__cause__, TimeoutError)


@pytest.mark.parametrize(
    "said", [b"", b"stream: OK", b"stream: Eicar FOUND", b"stream: Can't open file ERROR\0", b"HTTP/1.1 200 OK\r\n\0"]
)
def test_what_is_no_answer_of_clamds_is_no_verdict(answering: Callable[[bytes], str], said: bytes) -> None:
    with pytest.raises(ScannerUnavailable):
        verdict(scanner_at(answering(said)), HARMLESS["words"])


@pytest.mark.parametrize(
    ("said", "result"),
    [
        (b"stream: OK\0", "clean"),
        (b"stream: Win.Test.EICAR_HDB-1 FOUND\0", "infected"),
        (b"stream: Heuristics.Limits.Exceeded.MaxFileSize FOUND\0", "failed"),
        (b"INSTREAM size limit exceeded. ERROR\0", "failed"),
    ],
)
def test_what_clamd_says(answering: Callable[[bytes], str], said: bytes, result: str) -> None:
    assert verdict(scanner_at(answering(said)), HARMLESS["words"]).result == result


def settings_with(**values: str) -> Settings:
    keys = {"sqlalchemy.url": "embedded:", **{name.replace("__", "."): value for name, value in values.items()}}
    return load_settings({**TEST_SETTINGS, **keys}, {}, plugin.lms_settings())


def test_without_an_address_there_is_no_scanner() -> None:
    assert plugin.lms_file_scanners(settings_with()) == []
    [scanner] = plugin.lms_file_scanners(settings_with(lms__clamav__url="tcp://[::1]:3310"))
    assert scanner.name == "clamav"


@pytest.mark.parametrize("url", ["clamd", "tcp://host", "http://host:3310", "tcp://host:port", "tcp://a/b:1", "unix:x"])
def test_an_address_that_is_none_stops_the_start(url: str) -> None:
    with pytest.raises(SettingsError, match=r"^lms\.clamav\.url: "):
        settings_with(lms__clamav__url=url)
