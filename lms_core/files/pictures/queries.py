"""Reads of pictures."""

import uuid
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, literal, select
from sqlalchemy.orm import Session

from lms_core.files.models import Avatar, Rendition

COLUMNS = (
    Rendition.id, Rendition.name, Rendition.mime_type, Rendition.width, Rendition.height, Rendition.file_size,
    Rendition.checksum, Rendition.storage_provider, Rendition.storage_path, Rendition.created_at.label("uploaded_at"),
)  # fmt: skip
"""What handing out a file needs to know of it, but its name."""

WEBP = "image/webp"


def thumbnail(connection: Connection, file_id: uuid.UUID, file_name: str) -> Any:
    """The row of a file's thumbnail, or None."""
    found = select(*COLUMNS, literal(file_name).label("file_name")).where(Rendition.file_id == file_id)
    return connection.execute(found.limit(1)).one_or_none()


def avatar_picture(connection: Connection, avatar_id: uuid.UUID, name: str, *, webp: bool) -> Any:
    """The row of one picture of an avatar, or None."""
    kind = Rendition.mime_type == WEBP if webp else Rendition.mime_type != WEBP
    found = select(*COLUMNS, literal("avatar").label("file_name"))
    return connection.execute(found.where(Rendition.avatar_id == avatar_id, Rendition.name == name, kind)).one_or_none()


def renditions_of_files(db: Session, file_ids: Sequence[uuid.UUID]) -> Sequence[Any]:
    return db.execute(select(*COLUMNS).where(Rendition.file_id.in_(file_ids))).all()


def renditions_of_person(db: Session, user_id: uuid.UUID) -> Sequence[Any]:
    """The pictures of a person's avatar."""
    avatars = select(Avatar.id).where(Avatar.user_id == user_id)
    return db.execute(select(*COLUMNS).where(Rendition.avatar_id.in_(avatars))).all()
