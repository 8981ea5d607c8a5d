"""Reads of the files domain."""

import datetime as dt
import uuid
from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Select,
    SQLColumnExpression,
    cast,
    false,
    func,
    or_,
    select,
)

from lms_core.accounts.models import User
from lms_core.files.models import FileClaim, FileUpload
from lms_core.kernel.db import AnySelect
from lms_core.kernel.pagination import CursorPage, cursor_page
from lms_core.kernel.security import CALLER

_COLUMNS = (
    FileUpload.id, FileUpload.uploaded_by, FileUpload.file_name, FileUpload.file_size, FileUpload.file_type,
    FileUpload.mime_type, FileUpload.checksum, FileUpload.storage_path, FileUpload.storage_provider,
    FileUpload.virus_scan_result, FileUpload.uploaded_at, FileUpload.thumbnail_url,
)  # fmt: skip


def _total(size: SQLColumnExpression[int]) -> Select[int]:
    return select(cast(func.coalesce(func.sum(size), 0), BigInteger))


def storage_used() -> ColumnElement[int]:
    """The bytes of a person's files, as a column beside ``users``."""
    files = _total(FileUpload.file_size).where(FileUpload.uploaded_by == User.id, FileUpload.deleted_at.is_(None))
    return files.correlate(User).scalar_subquery()


def used_and_claimed(user_id: uuid.UUID, now: dt.datetime) -> Select[int]:
    """The bytes of a person's files, and those that files on their way in may yet take."""
    files = _total(FileUpload.file_size).where(FileUpload.uploaded_by == user_id, FileUpload.deleted_at.is_(None))
    claims = _total(FileClaim.size).where(FileClaim.user_id == user_id, FileClaim.expires_at > now)
    return select(files.scalar_subquery() + claims.scalar_subquery())


def living(file_ids: Sequence[uuid.UUID]) -> AnySelect:
    """Those of the files that are not deleted."""
    return select(*_COLUMNS).where(FileUpload.id.in_(file_ids), FileUpload.deleted_at.is_(None))


def files_of(
    connection: Connection,
    owner_id: uuid.UUID | None,
    *,
    kind: str | None = None,
    uploaded_by: uuid.UUID | None = None,
    cursor: str | None,
    limit: int,
) -> CursorPage:
    """The files of an owner, or everybody's; the newest first. Raises 422 ``cursor_invalid``."""
    wanted = select(*_COLUMNS).where(FileUpload.deleted_at.is_(None))
    for owner in (owner_id, uploaded_by):
        if owner is not None:
            wanted = wanted.where(FileUpload.uploaded_by == owner)
    if kind is not None:
        wanted = wanted.where(FileUpload.file_type == kind)
    order: list[Any] = [FileUpload.uploaded_at, FileUpload.id]
    return cursor_page(connection, wanted, order=order, cursor=cursor, limit=limit)


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
