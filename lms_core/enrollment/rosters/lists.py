"""Lists of people as spreadsheets save them: CSV in UTF-8 with names above the columns."""

import csv
import datetime as dt
import io
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from lms_core.enrollment.rosters.queries import MOST
from lms_core.enrollment.rosters.service import Wish
from lms_core.kernel.errors import Invalid
from lms_core.kernel.i18n import _

_LONGEST = 254
_NAMES: Mapping[str, str] = MappingProxyType(
    {
        "email": "email", "emailaddress": "email", "mail": "email",
        "userid": "user_id",
        "startsat": "starts_at", "starts": "starts_at",
        "expiresat": "expires_at", "expires": "expires_at",
    }
)  # fmt: skip
"""What a column is called, without capitals, blanks and dashes; others are passed by."""


_END = "\x04"
"""A line behind all others; a quotation mark that nothing closes takes it, like those, for a part of its own line."""


def read_list(data: bytes, *, most: int = MOST, by_id: bool = True) -> list[Wish]:
    """Whom a CSV names, with commas, semicolons or tabs. A line that cannot be used spoils none of the others.

    Without ``by_id`` people are named by their addresses alone. Raises 422 ``csv_invalid``: not UTF-8, not CSV, no
    column of people, one column twice, or more than ``most`` lines.
    """
    lines = _lines(data)
    _line, names = next(lines, (1, []))
    head = [_NAMES.get(_bare(name)) for name in names]
    if not by_id:
        head = [None if name == "user_id" else name for name in head]
    if "email" not in head and "user_id" not in head:
        raise _unusable(
            _("The first line names no column “email” or “userId”.")
            if by_id
            else _("The first line names no column “email”.")
        )
    known = list(filter(None, head))
    if len(set(known)) < len(known):
        raise _unusable(_("The first line names a column twice."))
    wishes = list[Wish]()
    for line, cells in lines:
        if len(wishes) == most:
            raise _unusable(_("A list has ${most} people at most.", mapping={"most": most}))
        wish = _wish({name: cell.strip() for name, cell in zip(head, cells, strict=False) if name})
        wishes.append(replace(wish, line=line))
    return wishes


def _lines(data: bytes) -> Iterator[tuple[int, Sequence[str]]]:
    """What is not blank, each with the line of the file on which it begins, from 1."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise _unusable(_("The file is not UTF-8.")) from None
    first = text.partition("\n")[0]
    separator = max(",;\t", key=first.count)
    lines = csv.reader(io.StringIO(f"{text}\n{_END}", newline=""), delimiter=separator)
    begins, cells = 1, list[str]()
    try:
        for cells in lines:
            if any(cell.strip() for cell in cells) and cells != [_END]:
                yield begins, cells
            began, begins = begins, lines.line_num + 1
    except csv.Error:
        cells, began = [], begins
    if cells != [_END]:
        raise _unusable(_("The file is not CSV from line ${line} on.", mapping={"line": began}))


def _bare(name: str) -> str:
    return "".join(letter for letter in name.casefold() if letter not in " -_")


def _unusable(message: str) -> Invalid:
    return Invalid("csv_invalid", message)


def _wish(cells: Mapping[str, str]) -> Wish:
    email, user_id = cells.get("email") or None, cells.get("user_id") or None
    named = (user_id or email or "")[:_LONGEST]
    if len(user_id or email or "") > _LONGEST or any(ord(letter) < 32 for letter in named) or not named:
        return Wish(named, refusal=Invalid("invalid", _("The line names nobody.")))
    try:
        starts, expires = _moment(cells.get("starts_at")), _moment(cells.get("expires_at"), last=True)
        known = uuid.UUID(user_id) if user_id else None
    except (ValueError, OverflowError):
        return Wish(named, refusal=Invalid("invalid", _("The line has an id or a date that cannot be read.")))
    if starts is not None and expires is not None and expires <= starts:
        return Wish(named, refusal=Invalid("invalid", _("Must be later than the start.")))
    if expires is not None and expires <= dt.datetime.now(dt.UTC):
        return Wish(named, refusal=Invalid("invalid", _("The end has to be in the future.")))
    return Wish(named, known, None if known else email, starts, expires)


def _moment(text: str | None, *, last: bool = False) -> dt.datetime | None:
    """A time with its offset, or a day in UTC, of which the beginning counts, or the end."""
    if not text:
        return None
    moment = dt.datetime.fromisoformat(text)
    if text == "9999-12-31":  # What many systems write for "without end"; no day follows it.
        return dt.datetime.max.replace(tzinfo=dt.UTC)
    if len(text) == len("2026-01-31"):
        return moment.replace(tzinfo=dt.UTC) + dt.timedelta(days=last)
    if moment.tzinfo is None:
        raise ValueError
    return moment.astimezone(dt.UTC)
