"""The S3 storage owes what every storage owes, over a network that may break at any byte."""

import datetime as dt
import io
import sys
from collections.abc import Callable
from typing import Any

import pytest
from lms_plugins.storage_s3 import plugin
from lms_plugins.storage_s3.storage import PART

from lms_core.files.storage import new_key
from lms_core.plugin_api import Storage, StorageUnavailable
from lms_core.settings import Settings, SettingsError
from lms_core.testing.network import Proxy
from lms_core.testing.storages import CONTENT, Pattern, StorageConformance, content_of, receipt

Made = Callable[..., Storage]
TOMORROW = dt.timedelta(days=1)


class TestS3(StorageConformance):
    @pytest.fixture
    def storage(self, storage: Storage) -> Storage:
        return storage

    @pytest.fixture
    def down(self, down: Storage) -> Storage:
        return down


class TestS3WithAPrefix(StorageConformance):
    @pytest.fixture
    def storage(self, make: Made) -> Storage:
        return make(lms__s3__prefix="files/of/")

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


def test_objects_lie_under_the_prefix_and_others_are_not_ours(make: Made, client: Any, bucket: str) -> None:
    key, foreign = new_key(), new_key()
    client.put_object(Bucket=bucket, Key=foreign, Body=b"x")
    client.put_object(Bucket=bucket, Key="lms/notes.txt", Body=b"x")
    storage = make(lms__s3__prefix="lms/")
    storage.put(key, io.BytesIO(CONTENT))
    assert [found.key for found in storage.objects()] == [key]
    assert client.head_object(Bucket=bucket, Key=f"lms/{key}")["ContentLength"] == len(CONTENT)


def test_more_objects_than_one_answer_lists(storage: Storage, client: Any, bucket: str) -> None:
    keys = sorted(new_key() for _each in range(1005))
    for key in keys:
        client.put_object(Bucket=bucket, Key=key, Body=b"")
    assert [found.key for found in storage.objects()] == keys


def test_reading_a_part_fetches_little_more(distant: Storage, storage: Storage, proxy: Proxy) -> None:
    key = new_key()
    storage.put(key, Pattern(40 << 20))
    with distant.open(key) as stream:
        proxy.cut_after(2 << 20, "answered")
        stream.seek(-22, io.SEEK_END)  # What a reader of zip archives begins with.
        assert len(stream.read(22)) == 22
        stream.seek(0)
        assert len(stream.read(4)) == 4
    assert not proxy.reached.is_set()


# When the network breaks.


def uploads(client: Any, bucket: str) -> list[Any]:
    found: list[Any] = client.list_multipart_uploads(Bucket=bucket).get("Uploads", [])
    return found


@pytest.mark.parametrize("size", [1 << 10, 6 << 20, 20 << 20], ids=["small", "part", "parts"])
def test_a_server_that_goes_away_while_an_object_is_put(
    distant: Storage, storage: Storage, proxy: Proxy, client: Any, bucket: str, size: int
) -> None:
    key = new_key()
    proxy.cut_after(size // 2)
    with pytest.raises(StorageUnavailable):
        distant.put(key, Pattern(size))
    assert not storage.exists(key)

    # What could not be removed then is swept later.
    storage.sweep(dt.datetime.now(dt.UTC) - TOMORROW)
    assert len(uploads(client, bucket)) == (1 if size > PART else 0)
    assert storage.sweep(dt.datetime.now(dt.UTC) + TOMORROW) == (1 if size > PART else 0)
    assert uploads(client, bucket) == []

    proxy.restore()
    assert distant.put(key, Pattern(size)).size == size


def test_a_connection_that_breaks_is_made_again(distant: Storage, storage: Storage, proxy: Proxy) -> None:
    key = new_key()
    proxy.break_after(10 << 20)
    assert distant.put(key, Pattern(20 << 20)).size == 20 << 20
    assert proxy.reached.is_set()
    proxy.break_after(10 << 20, "answered")
    assert content_of(distant, key) == Pattern(20 << 20).read()
    assert proxy.reached.is_set()


def test_a_server_that_goes_away_while_an_object_is_read(distant: Storage, storage: Storage, proxy: Proxy) -> None:
    key = new_key()
    storage.put(key, Pattern(20 << 20))
    with distant.open(key) as stream:
        stream.read(100)
        proxy.cut()
        with pytest.raises(StorageUnavailable):
            stream.read()


def test_a_server_that_is_silent_is_not_waited_for(make: Made, proxy: Proxy) -> None:
    distant = make(lms__s3__endpoint=f"http://127.0.0.1:{proxy.port}", lms__s3__timeout=0.2)
    proxy.hold()
    with pytest.raises(StorageUnavailable):
        distant.exists(new_key())
    assert proxy.accepted == 3  # And no more attempts.


def test_a_damaged_part_is_refused(storage: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sum is of what was read; the server finds that what arrives is something else."""
    key = new_key()
    genuine = storage._client.put_object  # type: ignore[attr-defined]
    monkeypatch.setattr(
        storage._client,  # type: ignore[attr-defined]
        "put_object",
        lambda Body, **sent: genuine(Body=b"?" + Body[1:], **sent),
    )
    with pytest.raises(StorageUnavailable) as refused:
        storage.put(key, io.BytesIO(CONTENT))
    assert "BadDigest" in str(refused.value.__cause__)
    assert not storage.exists(key)


def test_what_the_server_refuses_is_unavailable(make: Made) -> None:
    storage = make(lms__s3__secret_key="wrong")
    for use in (
        lambda: storage.put(new_key(), io.BytesIO(CONTENT)),
        lambda: storage.put(new_key(), Pattern(PART)),
        lambda: storage.open(new_key()),
        lambda: storage.exists(new_key()),
        lambda: storage.delete(new_key()),
        lambda: list(storage.objects()),
        lambda: storage.sweep(dt.datetime.now(dt.UTC)),
    ):
        with pytest.raises(StorageUnavailable):
            use()


# Settings.


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({}, "lms.s3.bucket: the storage backend s3 needs the name of a bucket"),
        (
            {"lms__s3__bucket": "b", "lms__s3__access_key": "a"},
            "lms.s3.secret_key: required beside the other key (as LMS_S3_SECRET_KEY)",
        ),
        (
            {"lms__s3__bucket": "b", "lms__s3__secret_key": "a"},
            "lms.s3.access_key: required beside the other key (as LMS_S3_ACCESS_KEY)",
        ),
    ],
)
def test_what_is_missing_is_said_in_one_line(bare_settings: Settings, changes: dict[str, str], line: str) -> None:
    with pytest.raises(SettingsError) as refused:
        plugin.lms_storage_backends()[0].make(bare_settings.replace(**changes))
    assert str(refused.value) == line


def test_without_the_library_it_says_how_to_get_it(bare_settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "lms_plugins.storage_s3.storage", raising=False)
    monkeypatch.setitem(sys.modules, "boto3", None)
    with pytest.raises(SettingsError, match=r"^the storage backend s3 needs boto3: pip install 'lms-core\[s3\]'$"):
        plugin.lms_storage_backends()[0].make(bare_settings.replace(lms__s3__bucket="b"))


def test_a_secret_is_shown_nowhere(make: Made) -> None:
    storage = make(lms__s3__access_key="access", lms__s3__secret_key="hush-hush")
    with pytest.raises(StorageUnavailable) as refused:
        storage.open(new_key())
    assert "hush" not in repr(refused.value.__cause__) + repr(storage)


def test_what_is_put_is_what_it_says(storage: Storage) -> None:
    assert storage.put(new_key(), io.BytesIO(CONTENT)) == receipt(CONTENT)
