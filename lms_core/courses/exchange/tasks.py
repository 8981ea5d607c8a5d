"""The work itself, in a worker: of a course a file, and of a file a course."""

import shutil
import tempfile
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from lms_core.accounts import queries as accounts
from lms_core.courses.exchange import service
from lms_core.courses.exchange.events import ExportRequested, ImportRequested
from lms_core.courses.exchange.models import CourseExport, CourseImport
from lms_core.courses.exporter import CHUNK, exporter_for, write_course
from lms_core.courses.importer import import_upload
from lms_core.courses.importing import Skipped
from lms_core.courses.models import Course
from lms_core.files.models import INFECTED, FileUpload
from lms_core.files.service import drop_objects, open_file, store_object
from lms_core.kernel.core import Core
from lms_core.kernel.errors import Invalid, LMSError, Unavailable
from lms_core.kernel.events import Delivery, Undeliverable
from lms_core.kernel.i18n import _
from lms_core.kernel.tasks import TaskContext

BATCH = 500


def export(delivery: Delivery, event: ExportRequested) -> None:
    """Write the file, and store it in the transaction that says so."""
    _work(delivery, CourseExport, event.export_id, _export)


def bring(delivery: Delivery, event: ImportRequested) -> None:
    """Make the course, in the transaction that says so."""
    _work(delivery, CourseImport, event.import_id, _bring)


def _work(
    delivery: Delivery, model: service.JobType, job_id: uuid.UUID, work: Callable[[Delivery, Any, str | None], None]
) -> None:
    """Do a job once. What can be mended by waiting is tried again; anything else is the job's outcome.

    That it has begun, and that it will be tried again, is committed apart: who asked sees it meanwhile.
    """
    core = delivery.core
    with core.transaction() as db:
        begun = service.begin(db, core, model, job_id)
        locale = _locale(db, begun.requested_by) if begun is not None else None
    if begun is None:
        return
    last = begun.attempts >= service.MOST_ATTEMPTS
    try:
        with delivery.db.begin_nested():
            work(delivery, delivery.db.get(model, job_id, with_for_update=True), locale)
    except LMSError as error:
        if isinstance(error, Unavailable) and not last:
            _postpone(core, model, job_id, error.code)
            raise
        _fail(delivery, model, job_id, error.code, core.i18n.say(error.detail or error.title, locale))
    except Exception:
        if not last:
            _postpone(core, model, job_id, "failed")
            raise
        with core.transaction() as db:
            service.fail(db, core, model, job_id, "failed")
        structlog.get_logger("lms.courses").exception("job_failed", job=str(job_id))
        raise Undeliverable("tried often enough") from None


def _locale(db: Session, user_id: uuid.UUID) -> str | None:
    account = accounts.account_by_id(db, user_id)
    return account.preferred_language if account is not None else None


def _postpone(core: Core, model: service.JobType, job_id: uuid.UUID, code: str) -> None:
    with core.transaction() as db:
        service.postpone(db, model, job_id, code)


def _fail(delivery: Delivery, model: service.JobType, job_id: uuid.UUID, code: str, detail: str) -> None:
    """With the delivery, since trying again cannot help; what the work had written was rolled back."""
    delivery.db.expire_all()
    service.fail(delivery.db, delivery.core, model, job_id, code, detail)


def _export(delivery: Delivery, job: CourseExport, locale: str | None) -> None:
    core, registry = delivery.core, delivery.registry
    exporter = exporter_for(core, job.format)
    slug = delivery.db.scalar(select(Course.slug).where(Course.id == job.course_id))
    with tempfile.TemporaryFile() as file:
        report = write_course(registry, job.course_id, exporter, file, number=job.version, locale=locale)
        file.seek(0)
        key, stored = store_object(delivery.db, registry.storage, file)
    version = f"-v{job.version}" if job.version is not None else ""
    job.file_name, job.mime_type = f"{slug}{version}{exporter.suffix}", exporter.media_type
    job.file_size, job.checksum = stored.size, stored.sha256
    job.storage_provider, job.storage_path = registry.storage.name, key
    job.lost = _told(report.lost)
    service.end(delivery.db, job, core)
    service.supersede(delivery.db, core, job)


def _bring(delivery: Delivery, job: CourseImport, locale: str | None) -> None:
    upload = delivery.db.get(FileUpload, job.file_id) if job.file_id is not None else None
    if upload is None or upload.deleted_at is not None:
        raise Invalid("file_unknown", _("You have no such file."))
    if upload.virus_scan_result == INFECTED:
        raise Invalid("file_infected", _("“${name}” is infected.", mapping={"name": upload.file_name}))
    with tempfile.TemporaryDirectory(prefix="lms-import-") as folder:
        # Importers may go by the ending of a name; nothing else of a name that somebody chose is a path here.
        path = Path(folder) / f"course{_ending(upload.file_name)}"
        registry = delivery.registry
        with open_file(delivery.core, registry.storages, upload) as source, path.open("xb") as copy:
            shutil.copyfileobj(source, copy, CHUNK)
        report = import_upload(
            delivery.db, registry, path, upload.file_name, job.requested_by, publish=job.publish, job_id=job.id
        )
    job.course_id, job.skipped = report.course_id, _told(report.skipped)
    job.modules, job.lessons, job.files = report.modules, report.lessons, report.files
    service.end(delivery.db, job, delivery.core)


def _ending(name: str) -> str:
    ending = Path(name).suffix
    return ending if ending[1:].isascii() and ending[1:].isalnum() and len(ending) <= 16 else ""


def _told(skipped: list[Skipped]) -> list[dict[str, str]]:
    return [{"name": each.name, "reason": each.reason} for each in skipped]


def purge(context: TaskContext) -> None:
    """Forget what has expired, with the files, in batches."""
    while _purge_batch(context):
        pass
    with context.core.transaction() as db:
        db.execute(delete(CourseImport).where(CourseImport.expires_at < context.core.clock()))


def _purge_batch(context: TaskContext) -> bool:
    """Whether there may be more."""
    expired = select(CourseExport.id).where(CourseExport.expires_at < context.core.clock()).limit(BATCH)
    with context.core.transaction() as db:
        gone = db.execute(
            delete(CourseExport)
            .where(CourseExport.id.in_(expired.with_for_update(skip_locked=True).scalar_subquery()))
            .returning(CourseExport.storage_provider, CourseExport.storage_path)
        ).all()
        drop_objects(db, [row for row in gone if row.storage_path is not None])
    return len(gone) == BATCH
