"""Looking through files for malware: what a scanner does, and what becomes of a file by what it says.

Scanners are plugins (hook ``lms_file_scanners``); ``registry.scanners`` are those that are set up. Where there is none,
a file is ``skipped``, and says so. Else it is ``pending`` until a worker has had it scanned: then only its owner may
have it. ``failed`` is what a scanner could not look through; it is tried again, as is what waits for a scanner that is
down. Nothing is ever ``clean`` but by a scanner's word.
"""

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO, Literal, Protocol

import structlog
from sqlalchemy import case, func, literal, select, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from lms_core.files import queries
from lms_core.files.events import FileCleared, FileInfected, ScanDue, ThumbnailDue
from lms_core.files.models import CLEAN, FAILED, INFECTED, PENDING, SKIPPED, FileUpload
from lms_core.files.storage import Storages, StorageUnavailable
from lms_core.kernel.core import Core
from lms_core.kernel.errors import Conflict
from lms_core.kernel.events import publish
from lms_core.kernel.i18n import _

FIRST_RETRY = dt.timedelta(minutes=5)
"""A file that waits is tried again after this, and then whenever it has waited twice as long, ..."""
LAST_RETRY = dt.timedelta(hours=1)
"""... but at least as often as this, ..."""
LAST_RETRY_OF_FAILED = dt.timedelta(days=1)
"""... or as this, where a scanner could not look through it."""
RETRIED_AT_ONCE = 500
DRAWN = frozenset({"image/gif", "image/jpeg", "image/png", "image/webp"})
"""Types of which there are thumbnails."""


class ScannerUnavailable(Exception):
    """The scanner cannot be asked right now; the file waits, and is tried again. What it said is the ``__cause__``."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a scanner says of a file.

    ``infected`` with the name of what was found; ``failed`` with why it could not look through the file (too large for
    it, encrypted); ``skipped`` with why it was not meant to.
    """

    result: Literal["clean", "infected", "failed", "skipped"]
    note: str = ""


class FileScanner(Protocol):
    """Something that tells malware. One instance serves all threads, and is made before the process forks."""

    name: str
    """An identifier, for the log and the record of the file."""

    def scan(self, stream: BinaryIO, size: int) -> Verdict:
        """Look through a file of that many bytes, from its start; the stream is not to be held whole, nor closed.

        Raises :class:`ScannerUnavailable`. What the stream raises passes.
        """


def scan_file(db: Session, core: Core, storages: Storages, scanners: Sequence[FileScanner], file_id: uuid.UUID) -> None:
    """Have a file scanned that waits for it, and record what was said; does nothing for any other file.

    Where a scanner or the storage is down, the file goes on waiting.
    """
    waiting = queries.living([file_id]).where(FileUpload.virus_scan_result.in_((PENDING, FAILED)))
    row = db.execute(waiting).one_or_none()
    if row is None:
        return
    try:
        name, verdict = _ask(storages, scanners, row)
    except (ScannerUnavailable, StorageUnavailable) as error:
        structlog.get_logger("lms.files").warning(
            "scan_postponed", file_id=str(file_id), reason=repr(error.__cause__ or error)
        )
        return
    _record(db, core, row, name, verdict)


def _ask(storages: Storages, scanners: Sequence[FileScanner], row: Any) -> tuple[str, Verdict]:
    """The scanner whose word counts, and its verdict: the worst that any has to say."""
    said = [("", Verdict("skipped"))]
    for scanner in scanners:
        with storages.of(row.storage_provider).open(row.storage_path) as stream:
            said.append((scanner.name, scanner.scan(stream, row.file_size)))
        if said[-1][1].result == INFECTED:
            break
    return max(said, key=lambda each: (SKIPPED, CLEAN, FAILED, INFECTED).index(each[1].result))


def _record(db: Session, core: Core, row: Any, scanner: str, verdict: Verdict) -> None:
    scan = {"scanner": scanner, "note": verdict.note[:500], "at": core.clock().isoformat()}
    final = verdict.result != FAILED
    recorded = db.execute(
        update(FileUpload)
        .where(FileUpload.id == row.id, FileUpload.virus_scan_result.in_((PENDING, FAILED)))
        .values(
            virus_scan_result=verdict.result,
            virus_scanned=verdict.result in (CLEAN, INFECTED),
            scan_due_at=None if final else FileUpload.scan_due_at,
            extra=FileUpload.extra.op("||")(func.jsonb_build_object("scan", func.to_jsonb(literal(scan, JSONB)))),
        )
        .returning(FileUpload.id)
    ).one_or_none()
    if recorded is None:
        return
    if verdict.result == INFECTED:
        publish(db, FileInfected(row.id, row.uploaded_by, row.file_name, scan["note"]))
    elif final:
        clear(db, row.id, row.mime_type)


def clear(db: Session, file_id: uuid.UUID, mime_type: str) -> None:
    """Say that a file may be had; and have a thumbnail made where it is a picture."""
    publish(db, FileCleared(file_id))
    if mime_type in DRAWN:
        publish(db, ThumbnailDue(file_id))


def retry_scans(db: Session, now: dt.datetime) -> int:
    """Have those files scanned (again) whose time has come, some at a time; answers how many."""
    due = select(FileUpload.id).where(FileUpload.scan_due_at <= now, FileUpload.deleted_at.is_(None))
    some = due.order_by(FileUpload.scan_due_at).limit(RETRIED_AT_ONCE).with_for_update(skip_locked=True)
    longest = case((FileUpload.virus_scan_result == FAILED, LAST_RETRY_OF_FAILED), else_=LAST_RETRY)
    waited = literal(now) - FileUpload.uploaded_at
    found = db.scalars(
        update(FileUpload)
        .where(FileUpload.id.in_(some.scalar_subquery()))
        .values(scan_due_at=literal(now) + func.least(func.greatest(waited, FIRST_RETRY), longest))
        .returning(FileUpload.id)
    ).all()
    for file_id in found:
        publish(db, ScanDue(file_id))
    return len(found)


def check_cleared(row: Any, caller: uuid.UUID | None) -> None:
    """Nobody gets an infected file, and only its owner one that nobody has looked through yet.

    Raises 409 ``file_infected`` and ``file_not_scanned``.
    """
    if row.virus_scan_result == INFECTED:
        raise Conflict("file_infected", _("Malware was found in this file; it is locked away."))
    if row.virus_scan_result not in (CLEAN, SKIPPED) and row.uploaded_by != caller:
        raise Conflict("file_not_scanned", _("This file is still being scanned for malware."), retry_after=30)
