"""A zip whose bytes follow from what is written into it: no clock, no system, no order but the caller's."""

import shutil
import zipfile
import zlib
from typing import BinaryIO

CHUNK = 1 << 18

_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The first moment that a zip knows."""
_UNIX = 3
_PLAIN_FILE = 0o100644 << 16
_SMALL = 1 << 20
_MOST_PACKED = 100
"""How many times its size in the archive a larger entry may unpack to, before an importer has to think of a bomb."""


class Archive:
    """The entries, as they are written; leaving the block writes the directory, unless something has failed."""

    def __init__(self, sink: BinaryIO) -> None:
        self._zip = zipfile.ZipFile(sink, "w", strict_timestamps=True)

    def add(self, path: str, data: bytes) -> None:
        """Bytes that are there already, packed."""
        bomb = len(data) > _SMALL and len(zlib.compress(data)) * _MOST_PACKED < len(data)
        entry = _entry(path, zipfile.ZIP_STORED if bomb else zipfile.ZIP_DEFLATED)
        self._zip.writestr(entry, data)

    def stream(self, path: str, size: int, source: BinaryIO) -> None:
        """A file as it is: most are packed in themselves."""
        entry = _entry(path, zipfile.ZIP_STORED)
        entry.file_size = size
        with self._zip.open(entry, "w") as target:
            shutil.copyfileobj(source, target, CHUNK)

    def __enter__(self) -> "Archive":
        return self

    def __exit__(self, kind: type[BaseException] | None, *_error: object) -> None:
        if kind is not None:
            self._zip.fp = None  # Or it would write a directory at the latest when it is collected.
        self._zip.close()


def _entry(path: str, method: int) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(path, _EPOCH)
    entry.create_system = _UNIX
    entry.external_attr = _PLAIN_FILE
    entry.compress_type = method
    return entry
