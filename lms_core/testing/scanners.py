"""The conformance suite of ``lms_file_scanners``: what every scanner owes the core, whatever it knows malware by.

Subclass it in a test module, give it a scanner and one that cannot work; pytest runs the rest::

    class TestMine(ScannerConformance):
        @pytest.fixture
        def scanner(self) -> FileScanner:
            return MyScanner(...)

        @pytest.fixture
        def down(self) -> FileScanner:
            return MyScanner(...)  # Nobody answers there.

A scanner that does not know the EICAR test file says by the fixture ``infected`` what it does know.
"""

import io
import random
import re
import tracemalloc
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from types import MappingProxyType
from typing import ClassVar

import pytest

from lms_core.files.scanning import FileScanner, ScannerUnavailable, Verdict
from lms_core.files.storage import StorageUnavailable

EICAR = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
"""The file that every scanner takes for malware, and that harms nobody; in two parts, lest this page be one."""

HARMLESS: Mapping[str, bytes] = MappingProxyType({
    "empty": b"",
    "byte": b"\0",
    "words": b"Some words, and nothing else.\n" * 50,
    "noise": random.Random(1).randbytes(700_000),
    "answer": b"\0stream: EICAR FOUND\0OK\0",
})  # fmt: skip
"""Files that nobody takes for malware."""

_NAME = re.compile(r"[a-z][a-z0-9_]*")


class ScannerConformance:
    """``scanner`` and ``down`` are the author's to give."""

    large: ClassVar[int] = 48 << 20
    """Bytes of the file that is larger than what a scanner may hold in memory."""
    memory: ClassVar[int] = 16 << 20
    """Bytes that a scanner may hold in memory while it looks through that file."""

    @pytest.fixture
    def scanner(self) -> FileScanner:
        raise NotImplementedError("override the fixture `scanner`: the scanner under test")

    @pytest.fixture
    def down(self) -> FileScanner:
        raise NotImplementedError("override the fixture `down`: one whose server, or program, does not answer")

    @pytest.fixture
    def infected(self) -> bytes:
        """A file that the scanner takes for malware."""
        return EICAR

    def test_it_has_a_name(self, scanner: FileScanner) -> None:
        assert _NAME.fullmatch(scanner.name), "the name is an identifier: lower case, digits and underscores"

    @pytest.mark.parametrize("name", HARMLESS)
    def test_what_is_harmless_is_clean(self, scanner: FileScanner, name: str) -> None:
        assert verdict(scanner, HARMLESS[name]).result == "clean"

    def test_malware_is_found_and_named(self, scanner: FileScanner, infected: bytes) -> None:
        found = verdict(scanner, infected)
        assert found.result == "infected"
        assert found.note.strip(), "the verdict says what was found"

    def test_a_stream_that_gives_little_at_a_time(self, scanner: FileScanner, infected: bytes) -> None:
        assert scanner.scan(Source(infected, piece=1), len(infected)).result == "infected"

    def test_the_same_scanner_serves_again(self, scanner: FileScanner, infected: bytes) -> None:
        for _time in range(3):
            assert verdict(scanner, infected).result == "infected"
            assert verdict(scanner, HARMLESS["words"]).result == "clean"

    def test_one_scanner_serves_all_threads(self, scanner: FileScanner, infected: bytes) -> None:
        files = [infected, HARMLESS["noise"]] * 8
        with ThreadPoolExecutor(8) as threads:
            results = list(threads.map(lambda content: verdict(scanner, content).result, files))
        assert results == ["infected", "clean"] * 8

    def test_a_large_file_is_never_in_memory(self, scanner: FileScanner) -> None:
        """Whatever is said of it."""
        tracemalloc.start()
        try:
            scanner.scan(Zeros(self.large), self.large)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert peak < self.memory, f"{peak} bytes were held at once"

    def test_the_stream_is_left_open(self, scanner: FileScanner) -> None:
        source = Source(HARMLESS["words"])
        scanner.scan(source, len(HARMLESS["words"]))
        assert not source.closed, "whoever opened the stream closes it"

    @pytest.mark.parametrize("error", [StorageUnavailable(), OSError("a disk that cannot be read"), ValueError("else")])
    def test_what_the_stream_raises_passes(self, scanner: FileScanner, error: Exception) -> None:
        """It is no verdict, and no failure of the scanner."""
        with pytest.raises(type(error)) as raised:
            scanner.scan(Source(HARMLESS["noise"], piece=1, fails=error), len(HARMLESS["noise"]))
        assert raised.value is error

    def test_a_scanner_that_is_down_says_so(self, down: FileScanner, infected: bytes) -> None:
        for content in (infected, HARMLESS["noise"], b""):
            with pytest.raises(ScannerUnavailable) as raised:
                verdict(down, content)
            assert raised.value.__cause__ is not None, "what went wrong is the cause, for the log"


# What the tests are made of; an author's further tests may use it too.


def verdict(scanner: FileScanner, content: bytes) -> Verdict:
    """What the scanner says of a file."""
    said = scanner.scan(Source(content), len(content))
    assert isinstance(said, Verdict)
    return said


class Source(io.BytesIO):
    """A file that is never read whole; after the first bytes it may fail."""

    def __init__(self, content: bytes, *, piece: int = 1 << 20, fails: Exception | None = None) -> None:
        super().__init__(content)
        self._piece, self._fails = piece, fails

    def read(self, size: int | None = -1, /) -> bytes:
        assert size is not None, "the stream is read whole"
        assert 0 <= size <= 1 << 22, "the stream is read whole"
        if self._fails is not None and self.tell():
            raise self._fails
        return super().read(min(size, self._piece))


class Zeros(Source):
    """A large file that takes no memory."""

    def __init__(self, size: int) -> None:
        super().__init__(b"")
        self._left = size

    def read(self, size: int | None = -1, /) -> bytes:
        super().read(size)
        count = min(size or 0, self._left)
        self._left -= count
        return bytes(count)
