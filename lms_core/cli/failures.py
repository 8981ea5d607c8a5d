"""One line for everything a user can mend, and the exit code that goes with it; tracebacks are for our own faults."""

import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from lms_core.settings import SettingsError

MISCONFIGURED = 2
FAILED = 1


class CommandError(Exception):
    """A command that cannot do what it was asked; the message is one line for the person who asked."""


def explained(error: BaseException) -> tuple[str, int] | None:
    """The line and the exit code for an error that is no fault of the program; None for one that is."""
    if isinstance(error, SettingsError):
        return str(error), MISCONFIGURED
    if isinstance(error, CommandError):
        return str(error), FAILED
    # Their modules are imported only by commands that can raise them: what is not loaded was not raised.
    for module, name, tell in _KNOWN:
        kind = getattr(sys.modules.get(module), name, None)
        if kind is not None and isinstance(error, kind) and (told := tell(error)):
            return told, FAILED
    return None


def _lms_error(error: Any) -> str:
    fields = [f"{field}: {message}" for field, message in _messages(error.errors or {})]
    said = _plain(error.detail or f"{_plain(error.title)} ({error.code})")
    return " ".join([f"{said.rstrip('.')}:" if fields else said, "; ".join(fields)]).strip()


def _messages(errors: Any, field: str = "") -> Iterator[tuple[str, str]]:
    """Each message with the path of its field."""
    if isinstance(errors, dict):
        for name, below in errors.items():
            yield from _messages(below, f"{field}.{name}" if field else str(name))
    elif isinstance(errors, Iterable) and not isinstance(errors, str):
        for below in errors:
            yield from _messages(below, field)
    else:
        yield field, _plain(errors)


def _plain(text: Any) -> str:
    """A translation string with its values put in; the command line speaks English."""
    return str(text.interpolate() if hasattr(text, "interpolate") else text)


def _no_database(error: Any) -> str:
    return f"the database does not answer: {_first_line(error.orig or error)}"


def _no_schema(error: Any) -> str | None:
    """A table or column that is missing; any other refused statement is a fault of ours."""
    if getattr(error.orig, "sqlstate", "") in ("42P01", "42703"):
        return "the database has no schema yet, or an old one; run `lms db upgrade`"
    return None


def _first_line(error: Any) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)


_KNOWN: tuple[tuple[str, str, Callable[[Any], str | None]], ...] = (
    ("lms_core.kernel.errors", "LMSError", _lms_error),
    ("lms_core.kernel.embedded", "EmbeddedError", str),
    ("sqlalchemy.exc", "OperationalError", _no_database),
    ("sqlalchemy.exc", "ProgrammingError", _no_schema),
    ("sqlalchemy.exc", "ArgumentError", lambda error: f"sqlalchemy.url: {_first_line(error)}"),
    ("alembic.util", "CommandError", _first_line),
    ("kombu.exceptions", "OperationalError", lambda error: f"the broker does not answer: {_first_line(error)}"),
)
