"""Reads of the files domain."""

import uuid
from collections.abc import Sequence
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Connection, cast, false, func, or_, select

from lms_core.accounts.models import User
from lms_core.files.models import FileUpload
from lms_core.kernel.security import CALLER

_COLUMNS = (
    FileUpload.id, FileUpload.uploaded_by, FileUpload.file_name, FileUpload.file_size, FileUpload.file_type,
    FileUpload.mime_type, FileUpload.checksum, FileUpload.storage_path, FileUpload.storage_provider,
    FileUpload.virus_scan_result, FileUpload.uploaded_at,
)  # fmt: skip


def storage_used() -> ColumnElement[int]:
    """The bytes of a person's files, as a column beside ``users``."""
    return (
        select(cast(func.coalesce(func.sum(FileUpload.file_size), 0), BigInteger))
        .where(FileUpload.uploaded_by == User.id, FileUpload.deleted_at.is_(None))
        .correlate(User)
        .scalar_subquery()
    )


def file_by(
    connection: Connection, access: Sequence[ColumnElement[bool]], file_id: uuid.UUID, caller: uuid.UUID | None
) -> Any:
    """The row of a file, or None where it is not there or deleted.

    Its column ``granted`` says whether any of the access conditions holds for the caller.
    """
    statement = select(*_COLUMNS, or_(false(), *access).label("granted")).where(
        FileUpload.id == file_id, FileUpload.deleted_at.is_(None)
    )
    return connection.execute(statement, {CALLER.key: caller}).one_or_none()
