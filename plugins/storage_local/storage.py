"""Objects as files."""

import datetime as dt
import os
import re
import stat
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from lms_core.plugin_api import (
    IncomingStream,
    Readable,
    StorageUnavailable,
    Stored,
    StoredObject,
    check_storage_key,
    is_storage_key,
)

_INCOMING = "incoming"


class LocalStorage:
    """Objects as files below ``root``, fanned out over 256 folders by the first two digits of their key.

    An object is written aside, synced and renamed into place, so that there is never half of one. A process that is
    killed while it writes leaves its draft in ``incoming/``, until that is swept.
    """

    name = "local"

    def __init__(self, root: Path) -> None:
        self._root = root

    def put(self, key: str, stream: Readable) -> Stored:
        path = self._path(key)
        draft = self._root / _INCOMING / f"{key}.{uuid.uuid4().hex}"
        incoming = IncomingStream(stream)
        try:
            self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
            draft.parent.mkdir(exist_ok=True)
            _write(draft, incoming)
            path.parent.mkdir(exist_ok=True)
            draft.rename(path)
            _sync(path.parent)
            _sync(self._root)
        except BaseException as error:
            with suppress(OSError):
                draft.unlink(missing_ok=True)
            if isinstance(error, OSError) and error is not incoming.failure:
                raise StorageUnavailable from error
            raise
        return incoming.stored

    def open(self, key: str) -> BinaryIO:
        with _reported():
            return self._path(key).open("rb")

    def delete(self, key: str) -> None:
        with _reported():
            self._path(key).unlink(missing_ok=True)

    def exists(self, key: str) -> bool:
        with _reported():
            try:
                return stat.S_ISREG(self._path(key).stat().st_mode)
            except FileNotFoundError:
                return False

    def objects(self) -> Iterator[StoredObject]:
        for folder in _entries(self._root):
            if re.fullmatch("[0-9a-f]{2}", folder.name):
                for path in _entries(folder):
                    if is_storage_key(path.name) and (status := _status(path)):
                        yield StoredObject(path.name, status.st_size, _time(status))

    def sweep(self, before: dt.datetime) -> int:
        swept = 0
        for draft in _entries(self._root / _INCOMING):
            status = _status(draft)
            if status and _time(status) < before:
                with _reported():
                    draft.unlink(missing_ok=True)
                swept += 1
        return swept

    def _path(self, key: str) -> Path:
        check_storage_key(key)
        return self._root / key[:2] / key


@contextmanager
def _reported() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StorageUnavailable from error


def _write(path: Path, incoming: IncomingStream) -> None:
    with path.open("xb") as file:
        while chunk := incoming.read():
            file.write(chunk)
        file.flush()
        os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    """A rename is durable only once its folder is synced."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _entries(folder: Path) -> list[Path]:
    """What is in a folder, by name; nothing where there is no such folder yet."""
    with _reported():
        try:
            return [folder / name for name in sorted(os.listdir(folder))]
        except FileNotFoundError:
            return []


def _status(path: Path) -> os.stat_result | None:
    """None where it has been deleted meanwhile."""
    with _reported():
        try:
            return path.stat()
        except FileNotFoundError:
            return None


def _time(status: os.stat_result) -> dt.datetime:
    return dt.datetime.fromtimestamp(status.st_mtime, dt.UTC)
