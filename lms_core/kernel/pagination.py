"""Pages over ``Select``: numbered ones with a capped total, and cursors for what grows without bound."""

import base64
import datetime as dt
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from marshmallow import fields, validate
from sqlalchemy import ColumnElement, Connection, func, select, tuple_

from lms_core.kernel.db import AnySelect
from lms_core.kernel.errors import Invalid
from lms_core.kernel.i18n import _
from lms_core.kernel.schemas import Schema

COUNT_CAP = 1000
"""Totals are exact up to this; beyond it a page costs the same whatever the table's size."""
MAX_LIMIT = 100
MAX_PAGE = 10_000


@dataclass(frozen=True, slots=True)
class Page:
    items: Sequence[Any]
    page: int
    limit: int
    total: int
    total_is_exact: bool


@dataclass(frozen=True, slots=True)
class CursorPage:
    items: Sequence[Any]
    next: str | None


class PageQuery(Schema):
    """``page`` from 1 and ``limit`` up to 100."""

    page = fields.Integer(load_default=1, validate=validate.Range(1, MAX_PAGE))
    limit = fields.Integer(load_default=20, validate=validate.Range(1, MAX_LIMIT))


class CursorQuery(Schema):
    """``cursor`` from the last answer's ``next`` and ``limit`` up to 100."""

    cursor = fields.String(load_default=None, validate=validate.Length(max=500))
    limit = fields.Integer(load_default=20, validate=validate.Range(1, MAX_LIMIT))


def page_of(
    connection: Connection,
    statement: AnySelect,
    *,
    page: int,
    limit: int,
    counted: AnySelect | None = None,
    params: dict[str, Any] | None = None,
) -> Page:
    """One page and its total, in one statement (a second one only for a page past the end).

    ``counted`` is a cheaper select over the same rows, where the listed one joins what the count need not.
    """
    source = (counted if counted is not None else statement).order_by(None).with_only_columns(1)
    total = select(func.count()).select_from(source.limit(COUNT_CAP + 1).subquery()).scalar_subquery()
    offset = (page - 1) * limit
    rows = connection.execute(statement.add_columns(total.label("_total")).limit(limit).offset(offset), params).all()
    if rows:
        count: int = rows[0]._total
    else:
        count = connection.execute(select(total), params).scalar_one() if page > 1 else 0
    return counted_page(rows, page, limit, count, COUNT_CAP)


def counted_page(rows: Sequence[Any], page: int, limit: int, count: int, cap: int) -> Page:
    """A page whose total was counted up to one more than ``cap``; never less than what was seen up to its last row."""
    seen = (page - 1) * limit + len(rows) if rows else 0
    return Page(rows, page, limit, max(min(count, cap), seen), count <= cap)


def cursor_page(
    connection: Connection,
    statement: AnySelect,
    *,
    order: Sequence[ColumnElement[Any]],
    cursor: str | None,
    limit: int,
    descending: bool = True,
    params: dict[str, Any] | None = None,
) -> CursorPage:
    """Rows after the cursor, ordered by ``order`` (unique together, all in one direction), by keyset.

    The statement must select the ordering columns, which hold times, UUIDs, integers or texts, under their own names.
    Raises 422 ``cursor_invalid``.
    """
    keys = [column.desc() if descending else column.asc() for column in order]
    if cursor is not None:
        statement = statement.where(beyond(cursor, order, descending=descending))
    rows = connection.execute(statement.order_by(*keys).limit(limit + 1), params).all()
    if len(rows) <= limit:
        return CursorPage(rows, None)
    rows = rows[:limit]
    return CursorPage(rows, _encode([getattr(rows[-1], column.key or "") for column in order]))


def beyond(cursor: str, order: Sequence[ColumnElement[Any]], *, descending: bool = True) -> ColumnElement[bool]:
    """What comes after the cursor, for a part of a statement that finds its first rows by itself.

    Raises 422 ``cursor_invalid``.
    """
    left, right = tuple_(*order), tuple_(*_decode(cursor, order))
    return left < right if descending else left > right


def _encode(values: Sequence[Any]) -> str:
    tagged = [[_tag(value), str(value.isoformat() if isinstance(value, dt.datetime) else value)] for value in values]
    return base64.urlsafe_b64encode(orjson.dumps(tagged)).decode().rstrip("=")


def _tag(value: Any) -> str:
    return {dt.datetime: "t", uuid.UUID: "u", int: "i"}.get(type(value), "s")


def _moment(text: str) -> dt.datetime:
    moment = dt.datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError
    return moment


def _number(text: str) -> int:
    number = int(text)
    if number.bit_length() > 63:
        raise ValueError
    return number


def _text(text: str) -> str:
    if "\x00" in text:
        raise ValueError
    return text


_READERS: Mapping[str, Callable[[str], Any]] = {"t": _moment, "u": uuid.UUID, "i": _number, "s": _text}
"""By tag. Each raises for what PostgreSQL cannot hold."""


def _decode(cursor: str, order: Sequence[ColumnElement[Any]]) -> list[Any]:
    try:
        tagged = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        values = [_READERS[tag](value) for tag, value in tagged]
        # Well written, and still not ours: PostgreSQL compares no time with a number.
        if [type(value) for value in values] != [column.type.python_type for column in order]:
            raise ValueError
    except (ValueError, TypeError, KeyError, AttributeError):
        raise Invalid("cursor_invalid", _("The cursor is not one of ours.")) from None
    return values
