"""A small, believable institution to look around in, and a large one to measure: ``lms demo load [--scale N]``.

One module per area, each with a ``load(demo)``; they run in the order of :data:`AREAS`. The small institution goes
through the services, as people would have made it; what ``scale`` adds goes in by COPY.
"""

import datetime as dt
import io
import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from pyramid.registry import Registry

    from lms_core.kernel.core import Core

AREAS = ("people", "catalog", "progress", "voices")
BATCH = 2_000
"""Rows that one COPY takes, between two steps of the progress bar."""


@dataclass(frozen=True, slots=True)
class SignIn:
    """Somebody who can log in to look around."""

    role: str
    email: str
    password: str


@dataclass(frozen=True)
class Demo:
    """What a loader works with."""

    registry: "Registry"
    scale: int
    """How many times as large as the small institution."""
    track: Callable[[Sequence[Any] | range, str], Iterable[Any]]
    """``for row in demo.track(rows, "Enrollments")``: the rows, with a progress bar."""
    sign_ins: list[SignIn] = field(default_factory=list)
    """Who can log in, printed at the end."""
    made: dict[str, Any] = field(default_factory=dict)
    """What a loader leaves for those after it: ids by a name, never rows."""

    @property
    def core(self) -> "Core":
        core: Core = self.registry.core
        return core


def load(demo: Demo) -> None:
    """Fill the installation, area by area."""
    for area in AREAS:
        import_module(f"lms_core.demo.{area}").load(demo)


def copy(
    demo: Demo, what: str, table: str, columns: Sequence[str], count: int, row: Callable[[int], Sequence[Any]]
) -> None:
    """COPY ``count`` rows made by ``row(number)`` into a table, batch by batch, each in its own transaction."""
    statement = f"COPY {table} ({', '.join(columns)}) FROM STDIN"
    for begin in demo.track(range(0, count, BATCH), what):
        lines = io.StringIO()
        for number in range(begin, min(begin + BATCH, count)):
            lines.write("\t".join(_text(value) for value in row(number)) + "\n")
        with demo.core.transaction() as db:
            connection: Any = db.connection().connection
            with connection.cursor().copy(statement) as sink:
                sink.write(lines.getvalue())


def _text(value: Any) -> str:
    if value is None:
        return r"\N"
    if isinstance(value, bool):
        return "t" if value else "f"
    if isinstance(value, list):
        value = "{" + ",".join('"' + str(each).replace("\\", r"\\").replace('"', r"\"") + '"' for each in value) + "}"
    if isinstance(value, dict):
        value = orjson.dumps(value).decode()
    if isinstance(value, dt.datetime):
        value = value.isoformat()
    return str(value).replace("\\", r"\\").replace("\t", r"\t").replace("\n", r"\n").replace("\r", r"\r")


def numbered(kind: str, number: int) -> uuid.UUID:
    """An id that the areas can compute without asking: the same for the same kind and number."""
    return uuid.uuid5(uuid.NAMESPACE_OID, f"lms-demo:{kind}:{number}")
