"""An object elsewhere as a stream: fetched range by range, as far as it is read."""

import io
from collections.abc import Callable
from typing import BinaryIO

FIRST, LARGEST = 1 << 18, 1 << 22
"""Bytes of the first range after a seek, and of the largest: each range in a row is twice as long as the one before."""
_BUFFER = 1 << 16

Fetch = Callable[[int, int], bytes]
"""``fetch(start, stop)``: these bytes of the object, all of them."""


def ranged_stream(size: int, fetch: Fetch) -> BinaryIO:
    """The object of this size as a seekable stream, for a backend whose server speaks ranges.

    Nothing is fetched before it is read, and no more than :data:`LARGEST` bytes are held. What ``fetch`` raises passes.
    """
    return io.BufferedReader(_Ranged(size, fetch), _BUFFER)


class _Ranged(io.RawIOBase):
    def __init__(self, size: int, fetch: Fetch) -> None:
        self._size, self._fetch = size, fetch
        self._position = 0
        self._start, self._held = 0, memoryview(b"")
        self._next = FIRST

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        if base + offset < 0:
            raise ValueError("a position before the start")
        self._position = base + offset
        return self._position

    def readinto(self, buffer: bytearray | memoryview, /) -> int:  # type: ignore[override]  # Typeshed has no name.
        if self._position >= self._size:
            return 0
        if not self._start <= self._position < self._start + len(self._held):
            self._load()
        offset = self._position - self._start
        count = min(len(buffer), len(self._held) - offset)
        buffer[:count] = self._held[offset : offset + count]
        self._position += count
        return count

    def _load(self) -> None:
        """The range that begins at the position."""
        in_a_row = self._position == self._start + len(self._held)
        self._next = min(self._next * 2, LARGEST) if in_a_row and self._held else FIRST
        start, stop = self._position, min(self._position + self._next, self._size)
        # What is held is let go first, so that never two ranges are in memory.
        self._held = memoryview(b"")
        self._start, self._held = start, memoryview(self._fetch(start, stop))
