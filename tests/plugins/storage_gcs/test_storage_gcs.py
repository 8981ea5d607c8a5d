"""The GCS storage owes what every storage owes, against a server that speaks its protocol."""

import io
import sys
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from google.auth.credentials import AnonymousCredentials
from google.cloud.storage import Client
from lms_plugins.storage_gcs import plugin
from lms_plugins.storage_gcs.storage import PART

from lms_core.files.storage import new_key
from lms_core.plugin_api import Storage, StorageUnavailable
from lms_core.settings import Settings, SettingsError
from lms_core.testing.network import Proxy, closed_port, proxied
from lms_core.testing.services import GCS, gcs_emulator
from lms_core.testing.storages import CONTENT, Pattern, StorageConformance, content_of

Made = Callable[..., Storage]


@pytest.fixture
def bucket(gcs: GCS) -> Iterator[Any]:
    """Emptied after the test."""
    client = Client(project="-", credentials=AnonymousCredentials(), client_options={"api_endpoint": gcs.url})
    bucket = client.bucket(gcs.bucket)
    yield bucket
    for blob in client.list_blobs(bucket):
        blob.delete()
    client.close()


@pytest.fixture
def make(gcs: GCS, bucket: Any, bare_settings: Settings) -> Made:
    """``make(lms__gcs__endpoint=...)``: the storage as the plugin makes it of these settings."""

    def make(**changes: Any) -> Storage:
        chosen = {"lms__gcs__endpoint": gcs.url, "lms__gcs__bucket": gcs.bucket, "lms__gcs__timeout": 5.0, **changes}
        return plugin.lms_storage_backends()[0].make(bare_settings.replace(**chosen))

    return make


@pytest.fixture
def storage(make: Made) -> Storage:
    return make()


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who is not there is not asked for as long as in earnest."""
    from lms_plugins.storage_gcs import storage

    monkeypatch.setattr(storage, "_RETRY", storage._RETRY.with_timeout(0.5))


@pytest.fixture
def down(make: Made, quick: None) -> Storage:
    return make(lms__gcs__endpoint=f"http://127.0.0.1:{closed_port()}")


@pytest.fixture
def proxy(gcs: GCS, quick: None) -> Iterator[Proxy]:
    """Between ``distant`` and the server."""
    with proxied(urlsplit(gcs.url).port or 80) as proxy:
        yield proxy


@pytest.fixture
def distant(make: Made, proxy: Proxy) -> Storage:
    """The same bucket, through the proxy."""
    return make(lms__gcs__endpoint=f"http://127.0.0.1:{proxy.port}")


class TestGCS(StorageConformance):
    @pytest.fixture
    def storage(self, storage: Storage) -> Storage:
        return storage

    @pytest.fixture
    def down(self, down: Storage) -> Storage:
        return down


@pytest.mark.parametrize("size", [PART - 1, PART, PART + 1, 2 * PART])
def test_sizes_around_those_of_a_part(storage: Storage, size: int) -> None:
    key = new_key()
    assert storage.put(key, Pattern(size)).size == size
    assert content_of(storage, key) == Pattern(size).read()
    [found] = storage.objects()
    assert found.size == size


def test_objects_lie_under_the_prefix_and_others_are_not_ours(make: Made, bucket: Any) -> None:
    key, foreign = new_key(), new_key()
    bucket.blob(foreign).upload_from_string(b"x")
    bucket.blob("lms/notes.txt").upload_from_string(b"x")
    storage = make(lms__gcs__prefix="lms/")
    storage.put(key, io.BytesIO(CONTENT))
    assert [found.key for found in storage.objects()] == [key]
    assert bucket.blob(f"lms/{key}").exists()


@pytest.mark.parametrize("size", [1 << 20, 20 << 20], ids=["small", "parts"])
def test_a_server_that_goes_away_while_an_object_is_put(
    distant: Storage, storage: Storage, proxy: Proxy, size: int
) -> None:
    key = new_key()
    proxy.cut_after(size // 2)
    with pytest.raises(StorageUnavailable):
        distant.put(key, Pattern(size))
    assert not storage.exists(key)
    proxy.restore()
    assert distant.put(key, Pattern(size)).size == size
    assert content_of(storage, key) == Pattern(size).read()


def test_a_server_that_goes_away_while_an_object_is_read(distant: Storage, storage: Storage, proxy: Proxy) -> None:
    key = new_key()
    storage.put(key, Pattern(20 << 20))
    with distant.open(key) as stream:
        stream.read(100)
        proxy.cut()
        with pytest.raises(StorageUnavailable):
            stream.read()


def test_a_server_that_ends_in_the_middle(make: Made, quick: None) -> None:
    """Killed, not only out of reach."""
    key = new_key()
    with gcs_emulator() as server:
        storage = make(lms__gcs__endpoint=server.url)
        with pytest.raises(StorageUnavailable):
            storage.put(key, Pattern(20 << 20, between=server.process.kill))
    with gcs_emulator(urlsplit(server.url).port or 0):
        assert storage.put(key, io.BytesIO(CONTENT)).size == len(CONTENT)
        assert content_of(storage, key) == CONTENT


def test_a_damaged_object_is_refused(storage: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sum is of what was read; the server finds that what arrives is something else."""
    from google.cloud.storage import Blob

    key, genuine = new_key(), Blob.upload_from_string
    monkeypatch.setattr(Blob, "upload_from_string", lambda blob, data, **sent: genuine(blob, b"?" + data[1:], **sent))
    with pytest.raises(StorageUnavailable):
        storage.put(key, io.BytesIO(CONTENT))
    assert not storage.exists(key)


def test_a_bucket_that_is_not_there_is_unavailable(make: Made) -> None:
    storage = make(lms__gcs__bucket="no-such-bucket")
    for use in (
        lambda: storage.put(new_key(), io.BytesIO(CONTENT)),
        lambda: storage.open(new_key()),
        lambda: list(storage.objects()),
    ):
        with pytest.raises(StorageUnavailable):
            use()


# Settings.


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({}, "lms.gcs.bucket: the storage backend gcs needs the name of a bucket"),
        ({"lms__gcs__bucket": "b", "lms__gcs__credentials": "/nowhere.json"}, "lms.gcs.credentials: "),
    ],
)
def test_what_is_missing_is_said_in_one_line(bare_settings: Settings, changes: dict[str, str], line: str) -> None:
    with pytest.raises(SettingsError) as refused:
        plugin.lms_storage_backends()[0].make(bare_settings.replace(**changes))
    assert str(refused.value).startswith(line)
    assert "\n" not in str(refused.value)


def test_without_the_library_it_says_how_to_get_it(bare_settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "lms_plugins.storage_gcs.storage", raising=False)
    monkeypatch.setitem(sys.modules, "google.cloud.storage", None)
    with pytest.raises(SettingsError, match=r"^the storage backend gcs needs google\.cloud\.storage: pip install"):
        plugin.lms_storage_backends()[0].make(bare_settings.replace(lms__gcs__bucket="b"))
