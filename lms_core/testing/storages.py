"""The conformance suite of ``lms_storage_backends``: what every storage owes the core, wherever it keeps the bytes.

Subclass it in a test module, give it an empty storage and one that cannot work; pytest runs the rest::

    class TestMine(StorageConformance):
        @pytest.fixture
        def storage(self) -> Storage:
            return MyStorage(...)

        @pytest.fixture
        def down(self) -> Storage:
            return MyStorage(...)  # Nobody answers there.
"""

import datetime as dt
import hashlib
import io
import random
import re
import tracemalloc
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Barrier
from typing import ClassVar

import pytest

from lms_core.files.storage import CHUNK, Storage, StorageUnavailable, Stored, new_key

CONTENT = random.Random(1).randbytes(1_300_000)
"""Some chunks, and not a whole number of them."""

HOSTILE_KEYS = (
    "", ".", "..", "../../etc/passwd", "/etc/passwd", "a" * 31, "a" * 33, "A" * 32, "g" * 32, "a" * 31 + "/",
    "a" * 31 + "\n", "a" * 32 + "\n", "a" * 31 + "\0", "a" * 30 + "%2", "\u0661" * 32, "?" * 32, "*" * 32,
)  # fmt: skip

_NAME = re.compile(r"[a-z][a-z0-9_]*")


class StorageConformance:
    """``storage`` and ``down`` are the author's to give."""

    large: ClassVar[int] = 48 << 20
    """Bytes of the object that is larger than what a storage may hold in memory."""
    memory: ClassVar[int] = 32 << 20
    """Bytes that a storage may hold in memory while it moves that object."""

    @pytest.fixture
    def storage(self) -> Storage:
        raise NotImplementedError("override the fixture `storage`: an empty storage of the kind under test")

    @pytest.fixture
    def down(self) -> Storage:
        raise NotImplementedError("override the fixture `down`: one whose server, or disk, does not answer")

    def test_it_has_a_name(self, storage: Storage) -> None:
        assert _NAME.fullmatch(storage.name), "the name is an identifier: lower case, digits and underscores"

    # One object.

    @pytest.mark.parametrize("content", [b"", b"\0", CONTENT, CONTENT[:CHUNK]], ids=["empty", "byte", "chunks", "one"])
    def test_what_is_put_comes_back(self, storage: Storage, content: bytes) -> None:
        key = new_key()
        assert storage.put(key, io.BytesIO(content)) == receipt(content)
        with storage.open(key) as stream:
            assert stream.read() == content
            assert stream.read() == b""
        assert content_of(storage, key) == content

    def test_a_stream_that_gives_little_at_a_time(self, storage: Storage) -> None:
        key = new_key()
        assert storage.put(key, Trickling(CONTENT)) == receipt(CONTENT)
        assert content_of(storage, key) == CONTENT

    def test_any_part_can_be_read(self, storage: Storage) -> None:
        key, size = new_key(), len(CONTENT)
        storage.put(key, io.BytesIO(CONTENT))
        with storage.open(key) as stream:
            assert stream.seekable()
            for start, length in ((0, 10), (size - 5, 5), (700_000, CHUNK), (3, 0), (1, size), (size - 1, 10)):
                assert stream.seek(start) == start
                assert stream.read(length) == CONTENT[start : start + length]
                assert stream.tell() == min(start + length, size)
            assert stream.seek(0, io.SEEK_END) == size
            assert stream.read(1) == b""
            assert stream.seek(-3, io.SEEK_END) == size - 3
            assert stream.read() == CONTENT[-3:]
            assert stream.seek(size + 10) == size + 10
            assert stream.read() == b""

    def test_one_object_is_read_by_many(self, storage: Storage) -> None:
        key = new_key()
        storage.put(key, io.BytesIO(CONTENT))
        with storage.open(key) as first, storage.open(key) as second:
            assert first.read(10) + second.read(5) + first.read(10) == CONTENT[:10] + CONTENT[:5] + CONTENT[10:20]

    def test_it_is_there_until_it_is_deleted(self, storage: Storage) -> None:
        key, other = new_key(), new_key()
        assert storage.exists(key) is False
        for each in (key, other):
            storage.put(each, io.BytesIO(CONTENT))
        assert storage.exists(key) is True
        for _time in range(2):  # What isn't there can be deleted too.
            storage.delete(key)
            assert storage.exists(key) is False
        with pytest.raises(StorageUnavailable):
            content_of(storage, key)
        assert content_of(storage, other) == CONTENT

    def test_what_never_was_cannot_be_opened(self, storage: Storage) -> None:
        with pytest.raises(StorageUnavailable):
            storage.open(new_key())

    def test_putting_again_replaces_the_whole(self, storage: Storage) -> None:
        """A copy that was interrupted after its last byte is made once more."""
        key = new_key()
        storage.put(key, io.BytesIO(CONTENT))
        assert storage.put(key, io.BytesIO(b"short")) == receipt(b"short")
        assert content_of(storage, key) == b"short"
        assert [found.size for found in storage.objects()] == [5]

    # Whole or not at all.

    @pytest.mark.parametrize("size", [10, CHUNK, 20 << 20], ids=["early", "chunk", "late"])
    @pytest.mark.parametrize("error", [ConnectionResetError, LookupError, KeyboardInterrupt])
    def test_a_stream_that_fails_leaves_nothing(self, storage: Storage, size: int, error: type[BaseException]) -> None:
        key = new_key()
        with pytest.raises(error):
            storage.put(key, Pattern(size, then=error))
        assert not storage.exists(key)
        assert list(storage.objects()) == []
        assert storage.sweep(dt.datetime.now(dt.UTC) + dt.timedelta(days=1)) == 0, "something was left behind"

    def test_nothing_is_there_before_all_is(self, storage: Storage) -> None:
        key, seen = new_key(), []

        def look() -> None:
            seen.append(storage.exists(key))

        storage.put(key, Pattern(20 << 20, between=look))
        assert set(seen) == {False}
        assert storage.exists(key)

    def test_a_large_object_is_never_in_memory(self, storage: Storage) -> None:
        key = new_key()
        with measured() as peak:
            stored = storage.put(key, Pattern(self.large))
            with storage.open(key) as stream:
                digest = hashlib.sha256()
                while chunk := stream.read(CHUNK):
                    digest.update(chunk)
            assert peak() < self.memory
        assert stored == Stored(self.large, digest.hexdigest())

    def test_many_are_put_at_once(self, storage: Storage) -> None:
        contents = {new_key(): random.Random(seed).randbytes(300_000) for seed in range(8)}
        together = Barrier(len(contents))

        def put(item: tuple[str, bytes]) -> Stored:
            together.wait(30)
            return storage.put(item[0], io.BytesIO(item[1]))

        with ThreadPoolExecutor(len(contents)) as pool:
            assert list(pool.map(put, contents.items())) == [receipt(content) for content in contents.values()]
        assert {key: content_of(storage, key) for key in contents} == contents

    def test_one_key_put_at_once_has_one_of_the_contents(self, storage: Storage) -> None:
        key, contents = new_key(), [random.Random(seed).randbytes(300_000) for seed in range(4)]
        together = Barrier(len(contents))

        def put(content: bytes) -> Stored:
            together.wait(30)
            return storage.put(key, io.BytesIO(content))

        with ThreadPoolExecutor(len(contents)) as pool:
            assert list(pool.map(put, contents)) == [receipt(content) for content in contents]
        assert content_of(storage, key) in contents

    # All objects.

    def test_all_objects_are_listed_in_order(self, storage: Storage) -> None:
        assert list(storage.objects()) == []
        sizes = {new_key(): number for number in range(30)}
        before = dt.datetime.now(dt.UTC) - dt.timedelta(minutes=5)
        for key, size in sizes.items():
            storage.put(key, io.BytesIO(bytes(size)))
        found = list(storage.objects())
        assert [each.key for each in found] == sorted(sizes)
        assert {each.key: each.size for each in found} == sizes
        assert all(before < each.stored_at < before + dt.timedelta(minutes=10) for each in found)

    def test_sweeping_touches_no_object(self, storage: Storage) -> None:
        key = new_key()
        storage.put(key, io.BytesIO(CONTENT))
        assert storage.sweep(dt.datetime.now(dt.UTC) + dt.timedelta(days=1)) == 0
        assert content_of(storage, key) == CONTENT

    def test_sweeping_leaves_what_is_young(self, storage: Storage) -> None:
        key = new_key()
        swept: list[int] = []

        def sweep() -> None:
            swept.append(storage.sweep(dt.datetime.now(dt.UTC) - dt.timedelta(hours=1)))

        assert storage.put(key, Pattern(20 << 20, between=sweep)).size == 20 << 20
        assert set(swept) == {0}
        assert storage.exists(key)

    # What must not happen.

    @pytest.mark.parametrize("key", HOSTILE_KEYS)
    def test_what_is_no_key_is_refused(self, storage: Storage, key: str) -> None:
        for use in (storage.open, storage.exists, storage.delete, lambda key: storage.put(key, io.BytesIO(b"a"))):
            with pytest.raises(ValueError, match="not a storage key"):
                use(key)

    @pytest.mark.parametrize("what", ["put", "open", "exists", "delete", "objects"])
    def test_a_backend_that_is_down_says_so(self, down: Storage, what: str) -> None:
        uses: dict[str, Callable[[], object]] = {
            "put": lambda: down.put(new_key(), io.BytesIO(CONTENT)),
            "open": lambda: down.open(new_key()),
            "exists": lambda: down.exists(new_key()),
            "delete": lambda: down.delete(new_key()),
            "objects": lambda: list(down.objects()),
        }
        with pytest.raises(StorageUnavailable) as told:
            uses[what]()
        assert told.value.retry_after
        assert told.value.__cause__ is not None, "what the backend said is lost"


# What the tests are made of; an author's further tests may use it too.


def receipt(content: bytes) -> Stored:
    """What a storage answers that has stored these bytes."""
    return Stored(len(content), hashlib.sha256(content).hexdigest())


def content_of(storage: Storage, key: str) -> bytes:
    with storage.open(key) as stream:
        return stream.read()


class Trickling(io.BytesIO):
    """Gives less than it is asked for, as sockets do."""

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(min(size, 60_000) if size and size > 0 else 60_000)


class Pattern(io.RawIOBase):
    """A stream of any size that holds none of it.

    ``then`` is raised in place of its end; ``between`` is called once, when half of it is read.
    """

    def __init__(
        self, size: int, then: type[BaseException] | None = None, between: Callable[[], None] | None = None
    ) -> None:
        self._size, self._then, self._between = size, then, between
        self._given = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview, /) -> int:  # type: ignore[override]
        if self._given == self._size and self._then is not None:
            raise self._then
        count = min(len(buffer), self._size - self._given)
        buffer[:count] = bytes([self._given >> 18 & 0xFF]) * count
        self._given += count
        if self._between is not None and self._given > self._size // 2:
            self._between()
            self._between = None
        return count


@contextmanager
def measured() -> Iterator[Callable[[], int]]:
    """Inside the block the memory that Python holds is measured; the function it gives answers the peak, in bytes."""
    tracemalloc.start()
    try:
        yield lambda: tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
