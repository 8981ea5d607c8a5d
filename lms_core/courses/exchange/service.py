"""Asking for exports and imports, and how a job gets through its states.

A person has one unfinished export of a course, and one unfinished import: unique indexes hold that.
"""

import datetime as dt
import uuid
from typing import Any

from sqlalchemy import Table, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from lms_core.courses.exchange.events import ExportEnded, ExportRequested, ImportEnded, ImportRequested
from lms_core.courses.exchange.models import DONE, FAILED, PENDING, RUNNING, UNFINISHED, CourseExport, CourseImport
from lms_core.courses.exporter import exporter_for
from lms_core.courses.versions.queries import version
from lms_core.files.service import hold_files
from lms_core.kernel.core import Core
from lms_core.kernel.errors import Conflict, Invalid
from lms_core.kernel.events import publish
from lms_core.kernel.i18n import _

Job = CourseExport | CourseImport
JobType = type[CourseExport] | type[CourseImport]

MOST_ATTEMPTS = 5
"""Of one job; with the pauses of the outbox, that is some four minutes for what it needs to come back."""


def request_export(
    db: Session, core: Core, course_id: uuid.UUID, caller_id: uuid.UUID, number: int | None, format_name: str | None
) -> uuid.UUID:
    """Have a course exported; answers the job's id.

    Raises 422 ``export_format_unknown`` and ``version_unknown``, 409 ``export_running``.
    """
    exporter = exporter_for(core, format_name)
    if number is not None and version(db, course_id, number) is None:
        message = _("The course has no version ${number}.", mapping={"number": number})
        raise Invalid("version_unknown", message, errors={"version": [message]})
    values = {"course_id": course_id, "requested_by": caller_id, "version": number, "format": exporter.name}
    made = _insert(db, CourseExport, values)
    if made is None:
        running = select(CourseExport.id).where(
            CourseExport.course_id == course_id, CourseExport.requested_by == caller_id, text(UNFINISHED)
        )
        raise Conflict(
            "export_running",
            _("Your export of this course is still under way."),
            extra={"exportId": _written(db.scalar(running))},
        )
    publish(db, ExportRequested(made), actor_id=caller_id)
    return made


def request_import(db: Session, caller_id: uuid.UUID, file_id: uuid.UUID, *, publish_it: bool) -> uuid.UUID:
    """Have a file of the caller's imported; answers the job's id.

    Raises 422 ``file_unknown`` for what is not the caller's own, 409 ``import_running``.
    """
    # Held, so that nobody deletes it before the job that needs it is there.
    if not [row for row in hold_files(db, [file_id]) if row.uploaded_by == caller_id]:
        message = _("You have no such file.")
        raise Invalid("file_unknown", message, errors={"fileId": [message]})
    made = _insert(db, CourseImport, {"requested_by": caller_id, "file_id": file_id, "publish": publish_it})
    if made is None:
        running = select(CourseImport.id).where(CourseImport.requested_by == caller_id, text(UNFINISHED))
        raise Conflict(
            "import_running",
            _("Another import of yours is still under way."),
            extra={"importId": _written(db.scalar(running))},
        )
    publish(db, ImportRequested(made), actor_id=caller_id)
    return made


def _insert(db: Session, model: JobType, values: dict[str, Any]) -> uuid.UUID | None:
    """The id of the new job, or None where an unfinished one is in its way; somebody else's insertion is waited for."""
    table: Table = model.__table__  # type: ignore[assignment]  # A Table, though the class says no more than that it selects.
    inserted = insert(table).values(**values).on_conflict_do_nothing().returning(table.c.id)
    made: uuid.UUID | None = db.execute(inserted).scalar_one_or_none()
    return made


def _written(job_id: uuid.UUID | None) -> str | None:
    return str(job_id) if job_id is not None else None


# The states of a job. Whoever works on one has the delivery of its event, which nobody else has at the same time.


def begin(db: Session, core: Core, model: JobType, job_id: uuid.UUID) -> Job | None:
    """The job, now running; None where nothing is left to do: it has ended, or was tried often enough, or is gone."""
    job = _locked(db, model, job_id)
    if job is None or job.status in (DONE, FAILED):
        return None
    if job.attempts >= MOST_ATTEMPTS:
        _end(db, job, core, FAILED, error="interrupted")
        return None
    job.attempts += 1
    job.status, job.started_at = RUNNING, job.started_at or core.clock()
    return job


def end(db: Session, job: Job, core: Core) -> None:
    """The job is done; it can be looked at until it expires."""
    _end(db, job, core, DONE)


def fail(db: Session, core: Core, model: JobType, job_id: uuid.UUID, error: str, detail: str | None = None) -> None:
    """The job has failed for good; it can be looked at until it expires."""
    job = _locked(db, model, job_id)
    if job is not None:
        _end(db, job, core, FAILED, error=error, detail=detail)


def _locked(db: Session, model: JobType, job_id: uuid.UUID) -> Job | None:
    found: Any = db.get(model, job_id, with_for_update=True)
    job: Job | None = found
    return job


def _end(
    db: Session, job: Job, core: Core, status: str, *, error: str | None = None, detail: str | None = None
) -> None:
    now = core.clock()
    job.status, job.error, job.detail, job.finished_at = status, error, detail, now
    job.expires_at = now + dt.timedelta(seconds=core.settings.seconds("lms.export.keep"))
    publish(db, ExportEnded(job.id) if isinstance(job, CourseExport) else ImportEnded(job.id))


def postpone(db: Session, model: JobType, job_id: uuid.UUID, error: str) -> None:
    """The job will be tried again; until then it says why."""
    db.execute(update(model).where(model.id == job_id).values(status=PENDING, error=error))


def supersede(db: Session, core: Core, job: CourseExport) -> None:
    """What the same person had of the same course before expires: nobody keeps a file for each time they asked."""
    older = (CourseExport.course_id == job.course_id, CourseExport.requested_by == job.requested_by)
    db.execute(
        update(CourseExport)
        .where(*older, CourseExport.id != job.id, CourseExport.status == DONE)
        .values(expires_at=core.clock()),
        execution_options={"synchronize_session": False},
    )
