"""A real client of the tus protocol against the running product: two web processes, and a network that breaks."""

import hashlib
import io
import random
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from urllib.parse import urlsplit

import httpx
import pytest
from tusclient.client import TusClient
from tusclient.exceptions import TusCommunicationError, TusUploadFailed

from lms_core.files.uploads.parts import PART
from lms_core.testing.live import Live
from lms_core.testing.network import Proxy
from lms_core.testing.services import s3_bucket, s3_settings

CONTENT = random.Random(1).randbytes(3 * PART + 12_345)
SHA256 = hashlib.sha256(CONTENT).hexdigest()
TUS = {"Tus-Resumable": "1.0.0"}


@pytest.fixture(scope="module", params=["local", pytest.param("s3", marks=pytest.mark.needs("s3"))])
def live(request, make_live) -> Iterator[Live]:
    with ExitStack() as stack:
        environ = {"LMS_WEB_WORKERS": "2", "LMS_WEB_THREADS": "4", "LMS_STORAGE_BACKEND": request.param}
        if request.param == "s3":
            server = request.getfixturevalue("s3")
            _client, bucket = stack.enter_context(s3_bucket(server))
            environ |= {name.upper().replace(".", "_"): value for name, value in s3_settings(server, bucket).items()}
        running = make_live(**environ).start()
        stack.callback(running.close)
        yield running


@pytest.fixture
def person(live: Live) -> httpx.Client:
    return live.login()


@pytest.fixture
def proxy(live: Live) -> Iterator[Proxy]:
    place = urlsplit(live.url)
    made = Proxy(place.hostname or "", place.port or 0)
    yield made
    made.close()


def client_of(person: httpx.Client, base: str) -> TusClient:
    return TusClient(f"{base}/api/v1/uploads", headers={"Authorization": person.headers["Authorization"]})


def offset(person: httpx.Client, url: str) -> int:
    # By a connection of its own: one that is kept may be to a process that was killed.
    return int(httpx.head(url, headers={**person.headers, **TUS}).headers["Upload-Offset"])


def check_file(person: httpx.Client, url: str, name: str = "lecture.bin") -> None:
    file = person.get(f"/api/v1/files/{person.get(url).json()['fileId']}").json()
    assert (file["name"], file["size"], file["checksum"]) == (name, len(CONTENT), SHA256)
    # What a reader gets is what was sent, too.
    content = person.get(f"/api/v1/files/{file['id']}/content")
    assert hashlib.sha256(content.content).hexdigest() == SHA256
    person.delete(f"/api/v1/files/{file['id']}").raise_for_status()


@pytest.mark.parametrize("chunk", [len(CONTENT), 5_000_000])
def test_a_client_uploads(live: Live, person: httpx.Client, chunk: int) -> None:
    uploader = client_of(person, live.url).uploader(
        file_stream=io.BytesIO(CONTENT), chunk_size=chunk, metadata={"filename": "lecture.bin"}, upload_checksum=True
    )
    uploader.upload()
    check_file(person, uploader.url)


def test_an_empty_file(live: Live, person: httpx.Client) -> None:
    uploader = client_of(person, live.url).uploader(file_stream=io.BytesIO(b""))
    uploader.upload()
    assert person.get(uploader.url).json()["fileId"]


def test_a_connection_that_is_cut_in_the_middle(live: Live, person: httpx.Client, proxy: Proxy) -> None:
    base = f"http://127.0.0.1:{proxy.port}"
    uploader = client_of(person, base).uploader(file_stream=io.BytesIO(CONTENT), metadata={"filename": "lecture.bin"})
    uploader.set_url(uploader.create_url().replace(live.url, base))
    proxy.cut_after(2 * PART + 7_000_000)
    with pytest.raises((TusUploadFailed, TusCommunicationError)):
        uploader.upload()
    url = uploader.url.replace(base, live.url)
    # The one who serves the broken connection finds out in its own time, and writes down what had come by then.
    deadline = time.monotonic() + 30
    while offset(person, url) < 2 * PART + 1_000_000 and time.monotonic() < deadline:
        pass
    kept = offset(person, url)
    assert 2 * PART + 1_000_000 <= kept < len(CONTENT)
    proxy.restore()
    again = client_of(person, base).uploader(file_stream=io.BytesIO(CONTENT), url=uploader.url)
    assert again.offset == kept
    again.upload()
    check_file(person, url)


def test_a_process_that_is_killed_in_the_middle(live: Live, person: httpx.Client) -> None:
    """The part that was on its way is lost, those before are there, and another process goes on."""
    uploader = client_of(person, live.url).uploader(
        file_stream=io.BytesIO(CONTENT), metadata={"filename": "lecture.bin"}
    )
    uploader.set_url(uploader.create_url())
    place = urlsplit(live.url)
    head = (
        f"PATCH {urlsplit(uploader.url).path} HTTP/1.1\r\nHost: x\r\nTus-Resumable: 1.0.0\r\nUpload-Offset: 0\r\n"
        f"Authorization: {person.headers['Authorization']}\r\nContent-Type: application/offset+octet-stream\r\n"
        f"Content-Length: {len(CONTENT)}\r\n\r\n"
    )
    with socket.create_connection((place.hostname, place.port)) as connection:
        connection.sendall(head.encode() + CONTENT[: PART + 5_000_000])
        deadline = time.monotonic() + 30
        while offset(person, uploader.url) < PART and time.monotonic() < deadline:
            pass
        port = connection.getsockname()[1]
        [holder] = [
            process
            for process in live.processes()
            if any(each.raddr and each.raddr.port == port for each in process.net_connections("tcp"))
        ]
        holder.send_signal(signal.SIGKILL)
        assert connection.recv(1000) == b""
    assert offset(person, uploader.url) == PART
    person = live.login()
    uploader.offset, uploader.retries, uploader.retry_delay = PART, 20, 2
    uploader.upload()
    check_file(person, uploader.url)
