"""Uploads to the running product: nothing is held in memory, and a cut connection leaves nothing."""

import hashlib
import socket
import time
from collections.abc import Iterator

import httpx
import pytest

from lms_core.testing.live import Live

MEGABYTE = 1 << 20
SIZE = 300 * MEGABYTE
FILES = "/api/v1/files"


@pytest.fixture(scope="module")
def live(make_live) -> Iterator[Live]:
    running = make_live(LMS_WEB_WORKERS="1", LMS_WEB_THREADS="4").start()
    yield running
    running.close()


def peak(live: Live) -> int:
    """The most memory that any of its processes ever took, in bytes."""
    peaks = []
    for process in live.processes():
        with open(f"/proc/{process.pid}/status") as status:
            peaks += [int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM")]
    return max(peaks)


def zeros() -> Iterator[bytes]:
    block = bytes(MEGABYTE)
    for _each in range(SIZE // MEGABYTE):
        yield block


def stored(live: Live) -> list[int]:
    return [path.stat().st_size for path in (live.data / "files").rglob("*") if path.is_file()]


def test_a_large_file_goes_through_without_being_held(live: Live) -> None:
    client = live.login()
    client.post(FILES, content=b"warming up").raise_for_status()
    before = peak(live)
    headers = {"Content-Length": str(SIZE)}
    made = client.post(f"{FILES}?name=zeros.bin", content=zeros(), headers=headers, timeout=120)
    assert made.status_code == 201, made.text
    assert (made.json()["size"], made.json()["name"]) == (SIZE, "zeros.bin")
    digest = hashlib.sha256()
    for block in zeros():
        digest.update(block)
    assert made.json()["checksum"] == digest.hexdigest()
    with client.stream("GET", f"{FILES}/{made.json()['id']}/content") as content:
        assert sum(map(len, content.iter_bytes(MEGABYTE))) == SIZE
    assert peak(live) - before < 48 * MEGABYTE


def test_a_cut_connection_leaves_nothing(live: Live) -> None:
    client = live.login()
    before = stored(live)
    url = httpx.URL(live.url)
    head = f"POST {FILES} HTTP/1.1\r\nHost: x\r\nAuthorization: {client.headers['Authorization']}\r\n"
    with socket.create_connection((url.host, url.port)) as connection:
        connection.sendall(f"{head}Content-Length: {SIZE}\r\n\r\n".encode() + bytes(5 * MEGABYTE))
    deadline = time.monotonic() + 30
    while stored(live) != before and time.monotonic() < deadline:
        client.get("/health/live")
    assert stored(live) == before
    assert client.get("/api/v1/users/me").json()["storageUsedBytes"] == sum(before)


def test_a_body_without_a_length_that_is_cut_is_no_file(live: Live) -> None:
    client, url = live.login(), httpx.URL(live.url)
    before = client.get(FILES).json()["items"]
    head = f"POST {FILES} HTTP/1.1\r\nHost: x\r\nAuthorization: {client.headers['Authorization']}\r\n"
    with socket.create_connection((url.host, url.port)) as connection:
        connection.sendall(f"{head}Transfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n".encode())
    whole = client.post(FILES, content=iter([b"abc", b"de"]))
    assert (whole.status_code, whole.json()["size"]) == (201, 5)
    assert [file["id"] for file in client.get(FILES).json()["items"]] == [
        whole.json()["id"],
        *(file["id"] for file in before),
    ]
