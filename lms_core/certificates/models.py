"""What a completed course earns."""

import datetime as dt
import uuid
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Computed, ForeignKey, Identity, Index, UniqueConstraint, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from lms_core.kernel.columns import Document, at_least, sparse_index
from lms_core.kernel.db import Base, Identified

_SEALED = ("signature", "key_name", "file_size", "checksum")
"""What a certificate gets all at once, when its PDF is made."""
_KEPT = ("credential", "storage_provider", "storage_path")
"""What it gets then too, and loses when its holder's account is gone."""


class Certificate(Identified, Base):
    """A certificate, found by its number; of an enrollment's at most one is not revoked.

    ``extra`` is what it says, frozen: later names and titles change nothing (:mod:`lms_core.certificates.statements`).
    Until its PDF is there, nobody may know of it; then ``checksum`` is the SHA-256 of the PDF, whose bytes are an
    object of the storage and nobody's file, ``credential`` the Open Badge, and ``signature`` is over number, statement,
    times and checksum, by the key ``key_name``. Its addresses follow from its number, and are not kept. One that was
    issued anew is revoked, and ``replaced_by`` the new one. Once its holder's account is gone, it names nobody, and
    neither PDF nor credential is kept.
    """

    __tablename__ = "certificates"

    enrollment_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("enrollments.id", ondelete="CASCADE"), index=True)
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    course_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("courses.id", ondelete="CASCADE"))
    certificate_number: Mapped[str] = mapped_column(unique=True)
    issued_at: Mapped[dt.datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[dt.datetime | None]
    template_id: Mapped[str | None]
    """The folder of the institution's template that it was printed by; null where that was ours."""
    verification_url: Mapped[str | None]
    """Not written, nor read: see :mod:`lms_core.certificates.addresses`. Neither is the next."""
    pdf_url: Mapped[str | None]
    extra: Mapped[Document] = mapped_column("metadata")
    revoked: Mapped[bool] = mapped_column(Computed("revoked_at IS NOT NULL", persisted=True))
    revoked_at: Mapped[dt.datetime | None]
    revoked_reason: Mapped[str | None]
    replaced_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("certificates.id", ondelete="SET NULL"))
    status_index: Mapped[int] = mapped_column(BigInteger, Identity())
    """Its place in the lists that tell which credentials are revoked."""
    signature: Mapped[str | None]
    key_name: Mapped[str | None]
    credential: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    storage_provider: Mapped[str | None]
    storage_path: Mapped[str | None]
    file_size: Mapped[int | None] = mapped_column(BigInteger)
    checksum: Mapped[str | None]

    __table_args__ = (
        CheckConstraint("expires_at > issued_at", name="expires_at"),
        CheckConstraint("replaced_by IS NULL OR revoked_at IS NOT NULL", name="replaced_by"),
        CheckConstraint(f"num_nonnulls({', '.join(_SEALED)}) IN (0, {len(_SEALED)})", name="sealed"),
        CheckConstraint(
            f"num_nonnulls({', '.join(_KEPT)}) IN (0, CASE WHEN checksum IS NULL THEN 0 ELSE {len(_KEPT)} END)",
            name="kept",
        ),
        CheckConstraint("checksum ~ '^[0-9a-f]{64}$'", name="checksum"),
        *at_least(1, "file_size"),
        UniqueConstraint("status_index"),
        Index("uq_certificates_current", "enrollment_id", unique=True, postgresql_where=text("revoked_at IS NULL")),
        Index(None, "user_id", "issued_at", "id"),
        Index(None, "course_id", "issued_at", "id"),
        Index("ix_certificates_revoked", "status_index", postgresql_where=text("revoked_at IS NOT NULL")),
        Index(None, "storage_provider", "storage_path"),
        sparse_index("checksum"),
        sparse_index("replaced_by"),
    )
