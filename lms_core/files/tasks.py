"""What becomes of files by themselves: deleted ones go for good, and so does what nobody names any more."""

import datetime as dt
from functools import partial

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from lms_core.files.events import ObjectsDropped, ScanDue
from lms_core.files.models import FileClaim, FileUpload
from lms_core.files.pictures.queries import renditions_of_files
from lms_core.files.scanning import RETRIED_AT_ONCE, retry_scans, scan_file
from lms_core.files.service import drop_objects
from lms_core.kernel.events import Delivery
from lms_core.kernel.tasks import TaskContext

BATCH = 500


def delete_objects(delivery: Delivery, event: ObjectsDropped) -> None:
    """Delete stored objects; while the backend is down, the event waits."""
    storage = delivery.registry.storages.of(event.provider)
    for key in event.keys:
        storage.delete(key)


def scan(delivery: Delivery, event: ScanDue) -> None:
    """Have a file scanned."""
    registry = delivery.registry
    scan_file(delivery.db, delivery.core, registry.storages, registry.scanners, event.file_id)


def rescan(context: TaskContext) -> None:
    """Try again what waits for a scanner longer than it should."""
    context.in_batches(lambda db: retry_scans(db, context.core.clock()), RETRIED_AT_ONCE)


def purge_files(context: TaskContext) -> None:
    """Forget the files that were deleted longer than ``lms.files.keep_deleted`` ago, with their bytes, in batches."""
    keep = context.core.settings.seconds("lms.files.keep_deleted")
    before = context.core.clock() - dt.timedelta(seconds=keep)
    context.in_batches(partial(_purge_batch, before), BATCH)
    with context.core.transaction() as db:
        db.execute(delete(FileClaim).where(FileClaim.expires_at < context.core.clock()))


def _purge_batch(before: dt.datetime, db: Session) -> int:
    old = select(FileUpload.id).where(FileUpload.deleted_at < before).limit(BATCH).with_for_update(skip_locked=True)
    ids = db.scalars(old).all()
    drop_objects(db, renditions_of_files(db, ids))
    gone = delete(FileUpload).where(FileUpload.id.in_(ids))
    drop_objects(db, db.execute(gone.returning(FileUpload.storage_provider, FileUpload.storage_path)))
    return len(ids)
