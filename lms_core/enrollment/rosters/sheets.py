"""Rosters as files for spreadsheets, of any length in little memory: CSV is made while it is sent, XLSX on disk before.

Rows come in batches, each a read of its own, in the order in which people enrolled: so nothing holds a connection, or a
snapshot of the database, for as long as somebody takes to receive a file.
"""

import csv
import datetime as dt
import io
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from types import MappingProxyType
from typing import IO, Any

import xlsxwriter

from lms_core.kernel.i18n import _

Rows = Iterable[Any]
Say = Callable[[str], str]
Cell = str | int | Decimal | dt.datetime | None

_COLUMNS: Mapping[str, str] = MappingProxyType(
    {
        "student_last_name": _("Last name"),
        "student_first_name": _("First name"),
        "student_display_name": _("Display name"),
        "student_email": _("E-mail address"),
        "status": _("State"),
        "enrollment_type": _("Way in"),
        "enrolled_at": _("Enrolled (UTC)"),
        "starts_at": _("From (UTC)"),
        "ends_at": _("Until (UTC)"),
        "started_at": _("Begun (UTC)"),
        "completed_at": _("Completed (UTC)"),
        "last_accessed_at": _("Last activity (UTC)"),
        "progress_percentage": _("Progress in percent"),
        "lessons_completed": _("Lessons completed"),
        "lessons_total": _("Lessons in all"),
        "time_spent_seconds": _("Seconds spent"),
        "grade": _("Grade"),
        "grade_points": _("Grade points"),
        "certificate_issued_at": _("Certificate issued (UTC)"),
    }
)
_CONTACT = frozenset({"student_email"})
_FORMULA = re.compile(r"^(?=[=+\-@\t\r\n＝＋－＠])|(?<=[;|\t]) *(?=[=+\-@＝＋－＠])")  # noqa: RUF001
"""Where a formula could begin: first of all, or behind what some programs take for the end of a cell. Some of them take
the wide signs for the others."""
_PIECE = 1 << 16
_SHEET = 1_000_000
"""Rows of a sheet; a program may hold 1,048,576."""


def columns(*, contact: bool) -> list[str]:
    """The columns of a roster's file; how students can be reached, only with ``contact``."""
    return [name for name in _COLUMNS if contact or name not in _CONTACT]


def harmless(text: str) -> str:
    """A text that no spreadsheet takes for a formula: an apostrophe stands before what could be one (OWASP).

    Quotes do not help: where a comma parts decimals, programs split a CSV at its semicolons instead, quoted or not.
    """
    return _FORMULA.sub(r"\g<0>'", text)


def csv_pieces(rows: Rows, names: Sequence[str], say: Say, *, bom: bool) -> Iterator[bytes]:
    """The file in UTF-8, some 64 KiB at a time; with a mark at its beginning, Excel knows that it is UTF-8."""
    held = io.StringIO(newline="")
    writer = csv.writer(held)
    held.write("\ufeff" if bom else "")
    writer.writerow([say(_COLUMNS[name]) for name in names])
    for row in rows:
        writer.writerow([_plain(getattr(row, name)) for name in names])
        if held.tell() >= _PIECE:
            yield held.getvalue().encode()
            held.seek(0)
            held.truncate()
    yield held.getvalue().encode()


def _plain(value: Cell) -> Any:
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return harmless(value) if isinstance(value, str) else value


def xlsx_file(rows: Rows, names: Sequence[str], say: Say) -> IO[bytes]:
    """The workbook in a file of its own, which nobody sees and which is gone once it is closed."""
    made = tempfile.TemporaryFile()  # noqa: SIM115  # Whoever sends it closes it.
    try:
        with xlsxwriter.Workbook(made, {"constant_memory": True, "default_date_format": "yyyy-mm-dd hh:mm:ss"}) as book:
            sheet, place = None, _SHEET
            for row in rows:
                if place == _SHEET:
                    sheet, place = _sheet(book, names, say), 0
                place += 1
                _write(sheet, place, [getattr(row, name) for name in names])
            if sheet is None:
                _sheet(book, names, say)
    except BaseException:
        made.close()
        raise
    made.seek(0)
    return made


def _sheet(book: Any, names: Sequence[str], say: Say) -> Any:
    sheet = book.add_worksheet()
    sheet.freeze_panes(1, 0)
    sheet.set_column(0, len(names) - 1, 18)
    for column, name in enumerate(names):
        sheet.write_string(0, column, say(_COLUMNS[name]))
    return sheet


def _write(sheet: Any, place: int, cells: Sequence[Cell]) -> None:
    """Texts are written as texts: what looks like a formula or an address is none."""
    for column, cell in enumerate(cells):
        if isinstance(cell, str):
            sheet.write_string(place, column, cell)
        elif isinstance(cell, dt.datetime):
            sheet.write_datetime(place, column, cell.astimezone(dt.UTC).replace(tzinfo=None))
        elif cell is not None:
            sheet.write_number(place, column, cell)


def file_pieces(file: IO[bytes]) -> Iterator[bytes]:
    """A file's bytes; it is closed at the end, and when nobody wants the rest."""
    with file:
        while piece := file.read(_PIECE):
            yield piece
