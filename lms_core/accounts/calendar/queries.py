"""What stands in somebody's calendar, of all who know of something."""

import datetime as dt
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    DateTime,
    Integer,
    Select,
    Uuid,
    and_,
    bindparam,
    extract,
    func,
    select,
    union_all,
)

from lms_core.accounts.models import CalendarLink
from lms_core.kernel.prepared import Prepared
from lms_core.kernel.security import Identity

BACK, AHEAD = dt.timedelta(days=90), dt.timedelta(days=366)
"""How far from now an entry may begin."""
MOST = 1_000
"""Entries of a calendar; of more, those nearest to now."""


@dataclass(frozen=True, slots=True)
class Entry:
    """Something at a moment, or from one until another.

    ``key`` names it among the entries of its source and person, and stays whatever else is changed; ``changed_at`` is
    when anything else was. The texts may be translation strings; ``path`` is of the site.
    """

    key: str
    title: str
    starts_at: dt.datetime
    changed_at: dt.datetime
    ends_at: dt.datetime | None = None
    text: str = ""
    path: str = "/"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Whose entries are asked for, and which: those that begin between ``since`` and ``until``.

    Of more than ``most`` those nearest to ``now`` will do. Nobody is to learn from their calendar what they could not
    read elsewhere: a source looks at the caller's permissions itself.
    """

    caller: Identity
    now: dt.datetime
    most: int = MOST

    @property
    def since(self) -> dt.datetime:
        return self.now - BACK

    @property
    def until(self) -> dt.datetime:
        return self.now + AHEAD


PERSON = bindparam("person", type_=Uuid)
"""Whose entries a statement of :class:`Dates` asks for."""
_SINCE, _UNTIL = (bindparam(name, type_=DateTime(timezone=True)) for name in ("since", "until"))
NOW = bindparam("now", type_=DateTime(timezone=True))


def within(moment: ColumnElement[Any]) -> ColumnElement[bool]:
    """Whether a moment is among those that are asked for."""
    return and_(moment >= _SINCE, moment < _UNTIL)


class Dates:
    """A person's dates of several kinds in one statement, those nearest to now.

    Each of ``kinds`` selects the same columns, a ``moment`` among them, of what belongs to :data:`PERSON` and is
    :func:`within`; ``key`` are the columns that tell two of one moment apart.
    """

    def __init__(self, *kinds: Select[Any], key: Sequence[str]) -> None:
        dates = union_all(*kinds).subquery()
        distance = func.abs(extract("epoch", dates.c.moment - NOW))
        nearest = select(dates).order_by(distance, *(dates.c[name] for name in key))
        self._statement = Prepared(nearest.limit(bindparam("most", type_=Integer)))

    def rows(self, connection: Connection, wanted: Wanted) -> Sequence[Any]:
        """The rows of the entries that are wanted."""
        asked = {name: getattr(wanted, name) for name in ("since", "until", "now", "most")}
        return self._statement.all(connection, person=wanted.caller.user_id, **asked)


Source = Callable[[Connection, Wanted], Iterable[Entry]]


def entries(connection: Connection, sources: Mapping[str, Source], wanted: Wanted) -> list[tuple[uuid.UUID, Entry]]:
    """The entries in order, each with the id that it has for good."""
    found = [
        (uuid.uuid5(wanted.caller.user_id, f"{name}:{entry.key}"), entry)
        for name, source in sources.items()
        for entry in source(connection, wanted)
        if wanted.since <= entry.starts_at < wanted.until
    ]
    nearest = sorted(found, key=lambda each: (abs(each[1].starts_at - wanted.now), each[0]))[: wanted.most]
    return sorted(nearest, key=lambda each: (each[1].starts_at, each[0]))


def link(connection: Connection, user_id: uuid.UUID) -> Any:
    """When somebody made the address of their calendar; None where there is none."""
    return connection.execute(select(CalendarLink.created_at).where(CalendarLink.user_id == user_id)).first()
