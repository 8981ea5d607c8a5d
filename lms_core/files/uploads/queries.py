"""Reads of uploads that can be resumed."""

import datetime as dt
import uuid
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, func, or_, select
from sqlalchemy.orm import Session

from lms_core.files.models import Upload, UploadPart
from lms_core.kernel.db import AnySelect

COLUMNS = (
    Upload.id, Upload.user_id, Upload.claim_id, Upload.file_id, Upload.file_name, Upload.details, Upload.length,
    Upload.received, Upload.finished_at, Upload.expires_at, Upload.created_at,
)  # fmt: skip


def unlocked(now: dt.datetime) -> ColumnElement[bool]:
    """Nobody is writing to it, or whoever was has died."""
    return or_(Upload.locked_until.is_(None), Upload.locked_until < now)


def own_upload(connection: Connection | Session, upload_id: uuid.UUID, user_id: uuid.UUID, now: dt.datetime) -> Any:
    """The row of a person's upload, None where it is not there, not theirs, or expired."""
    own = and_(Upload.id == upload_id, Upload.user_id == user_id, Upload.expires_at > now)
    return connection.execute(select(*COLUMNS).where(own)).one_or_none()


def unfinished_count(db: Session, user_id: uuid.UUID, now: dt.datetime) -> int:
    open_ones = select(func.count()).where(
        Upload.user_id == user_id, Upload.finished_at.is_(None), Upload.expires_at > now
    )
    return db.execute(open_ones).scalar_one()


def parts(db: Session, upload_ids: Sequence[uuid.UUID]) -> Sequence[Any]:
    """The parts of uploads, in order."""
    columns = (UploadPart.id, UploadPart.start, UploadPart.size, UploadPart.storage_provider, UploadPart.storage_path)
    found = select(*columns).where(UploadPart.upload_id.in_(upload_ids))
    return db.execute(found.order_by(UploadPart.upload_id, UploadPart.start)).all()


def last_part(db: Session, upload_id: uuid.UUID) -> Any:
    columns = (UploadPart.id, UploadPart.start, UploadPart.size, UploadPart.storage_provider, UploadPart.storage_path)
    found = select(*columns).where(UploadPart.upload_id == upload_id)
    return db.execute(found.order_by(UploadPart.start.desc()).limit(1)).one_or_none()


def complete(now: dt.datetime, most: int) -> AnySelect:
    """Uploads that have all their bytes, became no file, and that nobody is at."""
    return (
        select(*COLUMNS)
        .where(Upload.received == Upload.length, Upload.finished_at.is_(None), Upload.expires_at > now, unlocked(now))
        .limit(most)
    )
