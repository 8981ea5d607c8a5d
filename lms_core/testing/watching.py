"""Watching that code under test does nothing but read and think."""

import os
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import event
from sqlalchemy.pool import Pool


class ForbiddenError(AssertionError):
    """It did what only the core does."""


@contextmanager
def reading() -> Iterator[None]:
    """Inside the block this thread writes no file but temporary ones, starts nothing, and speaks to nobody."""
    watched, scratch = threading.get_ident(), Path(tempfile.gettempdir()).resolve()

    def watch(what: str, arguments: tuple[Any, ...]) -> None:
        if threading.get_ident() == watched:
            _refuse(what, arguments, scratch)

    def lend(_connection: Any, _record: Any, _proxy: Any) -> None:
        if threading.get_ident() == watched:
            raise ForbiddenError("it touched the database")

    event.listen(Pool, "checkout", lend)
    _watchers().append(watch)
    try:
        yield
    finally:
        _watchers().remove(watch)
        event.remove(Pool, "checkout", lend)


_CHANGES = frozenset({
    "os.chmod", "os.chown", "os.link", "os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.symlink", "os.truncate",
    "os.utime",
})  # fmt: skip
_REACHES_OUT = ("os.exec", "os.fork", "os.posix_spawn", "os.system", "subprocess.", "socket.connect", "socket.getaddr")


def _refuse(what: str, arguments: tuple[Any, ...], scratch: Path) -> None:
    if what.startswith(_REACHES_OUT):
        raise ForbiddenError(f"it reached out: {what}{arguments!r}")
    writes = what in _CHANGES or (what == "open" and _opens_for_writing(*arguments))
    if writes and not _below(arguments[0], scratch):
        raise ForbiddenError(f"it wrote: {what}{arguments!r}")


def _opens_for_writing(_path: Any, mode: str | None, flags: int) -> bool:
    return bool(flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND))


def _below(path: Any, folder: Path) -> bool:
    return isinstance(path, int) or Path(str(path)).resolve().is_relative_to(folder)


@cache
def _watchers() -> list[Callable[[str, tuple[Any, ...]], None]]:
    """Who is told of the interpreter's audit events. A hook for those cannot be taken back, so there is one for all."""
    watchers: list[Callable[[str, tuple[Any, ...]], None]] = []

    def tell(what: str, arguments: tuple[Any, ...]) -> None:
        for watch in tuple(watchers):
            watch(what, arguments)

    sys.addaudithook(tell)
    return watchers
