"""What was uploaded, and where its bytes are."""

import datetime as dt
import uuid

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column

from lms_core.kernel.columns import Document, Off, at_least, one_of, sparse_index
from lms_core.kernel.db import Base, Created, Identified

PENDING, CLEAN, INFECTED, FAILED, SKIPPED = "pending", "clean", "infected", "failed", "skipped"
"""What ``virus_scan_result`` says: see :mod:`lms_core.files.scanning`."""


class FileUpload(Identified, Base):
    """One stored file. ``storage_path`` is a key within ``storage_provider``, never a path on this machine.

    ``file_size`` is in bytes; ``checksum`` is the SHA-256 in lower-case hex, null until the last byte is in.
    """

    __tablename__ = "file_uploads"

    uploaded_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id", ondelete="RESTRICT"))
    file_name: Mapped[str]
    file_size: Mapped[int] = mapped_column(BigInteger)
    file_type: Mapped[str]
    mime_type: Mapped[str | None]
    checksum: Mapped[str | None]
    storage_path: Mapped[str]
    storage_provider: Mapped[str] = mapped_column(server_default="local")
    url: Mapped[str | None]
    thumbnail_url: Mapped[str | None]
    extra: Mapped[Document] = mapped_column("metadata")
    virus_scanned: Mapped[Off]
    """Whether a scanner has told clean from infected."""
    virus_scan_result: Mapped[str] = mapped_column(server_default=PENDING)
    scan_due_at: Mapped[dt.datetime | None]
    """When to try again what is still to be scanned."""
    uploaded_at: Mapped[dt.datetime] = mapped_column(server_default=func.now())
    deleted_at: Mapped[dt.datetime | None]

    __table_args__ = (
        *at_least(0, "file_size"),
        one_of("virus_scan_result", PENDING, CLEAN, INFECTED, FAILED, SKIPPED),
        CheckConstraint("checksum ~ '^[0-9a-f]{64}$'", name="checksum"),
        # With what the sum over a person's files needs, so that it reads nothing but the index.
        Index(None, "uploaded_by", "uploaded_at", "id", postgresql_include=["file_size", "deleted_at"]),
        Index(None, "uploaded_at", "id"),
        Index(None, "file_type", "uploaded_at", "id"),
        sparse_index("deleted_at"),
        sparse_index("scan_due_at"),
        Index(None, "storage_provider", "storage_path"),
    )


class FileClaim(Identified, Created, Base):
    """Bytes of a person's quota that a file on its way in may yet take; it counts for nothing once it has expired."""

    __tablename__ = "file_claims"

    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    size: Mapped[int] = mapped_column(BigInteger)
    expires_at: Mapped[dt.datetime] = mapped_column(index=True)

    __table_args__ = (*at_least(0, "size"),)


class Upload(Identified, Created, Base):
    """An upload that can be resumed: ``received`` of its ``length`` bytes are there, in parts.

    Whoever writes to it has locked it until ``locked_until``, and renews that. ``finished_at`` says that it became the
    file ``file_id``; it is null where that file is gone. ``details`` is what the caller described it by
    (``Upload-Metadata``), as it was sent.
    """

    __tablename__ = "uploads"

    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    claim_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("file_claims.id", ondelete="SET NULL"))
    file_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("file_uploads.id", ondelete="SET NULL"))
    file_name: Mapped[str]
    details: Mapped[str]
    length: Mapped[int] = mapped_column(BigInteger)
    received: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    locked_by: Mapped[uuid.UUID | None]
    locked_until: Mapped[dt.datetime | None]
    finished_at: Mapped[dt.datetime | None]
    expires_at: Mapped[dt.datetime] = mapped_column(index=True)

    __table_args__ = (
        CheckConstraint("received BETWEEN 0 AND length", name="received"),
        sparse_index("claim_id"),
        sparse_index("file_id"),
        Index("ix_uploads_complete", "id", postgresql_where=text("received = length AND finished_at IS NULL")),
    )


class UploadPart(Identified, Base):
    """Some bytes of an upload, from ``start`` on, as an object of a storage backend."""

    __tablename__ = "upload_parts"

    upload_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("uploads.id", ondelete="CASCADE"))
    start: Mapped[int] = mapped_column(BigInteger)
    size: Mapped[int] = mapped_column(BigInteger)
    storage_provider: Mapped[str]
    storage_path: Mapped[str]

    __table_args__ = (
        *at_least(0, "start"),
        *at_least(1, "size"),
        UniqueConstraint("upload_id", "start"),
        Index(None, "storage_provider", "storage_path"),
    )


class Avatar(Identified, Created, Base):
    """A person's picture, at an address that is its id; the pictures themselves are renditions."""

    __tablename__ = "avatars"

    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), unique=True)


class Rendition(Identified, Created, Base):
    """A picture that was made of an uploaded one: the thumbnail of a file, or one of an avatar's."""

    __tablename__ = "renditions"

    file_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("file_uploads.id", ondelete="CASCADE"))
    avatar_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("avatars.id", ondelete="CASCADE"))
    name: Mapped[str]
    """``thumbnail``, or the side of a square in pixels."""
    mime_type: Mapped[str]
    width: Mapped[int]
    height: Mapped[int]
    file_size: Mapped[int] = mapped_column(BigInteger)
    checksum: Mapped[str]
    storage_provider: Mapped[str]
    storage_path: Mapped[str]

    __table_args__ = (
        CheckConstraint("num_nonnulls(file_id, avatar_id) = 1", name="origin"),
        *at_least(1, "width", "height", "file_size"),
        UniqueConstraint("file_id", "name", "mime_type"),
        UniqueConstraint("avatar_id", "name", "mime_type"),
        Index(None, "storage_provider", "storage_path"),
    )
