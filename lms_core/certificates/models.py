"""What a completed course earns."""

import datetime as dt
import uuid

from sqlalchemy import CheckConstraint, Computed, ForeignKey, func
from sqlalchemy.orm import Mapped, mapped_column

from lms_core.kernel.columns import Document
from lms_core.kernel.db import Base, Identified


class Certificate(Identified, Base):
    """A certificate, found by its number. ``revoked`` is computed from the date of revocation."""

    __tablename__ = "certificates"

    enrollment_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("enrollments.id", ondelete="CASCADE"), index=True)
    certificate_number: Mapped[str] = mapped_column(unique=True)
    issued_at: Mapped[dt.datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[dt.datetime | None]
    template_id: Mapped[str | None]
    verification_url: Mapped[str | None]
    pdf_url: Mapped[str | None]
    extra: Mapped[Document] = mapped_column("metadata")
    revoked: Mapped[bool] = mapped_column(Computed("revoked_at IS NOT NULL", persisted=True))
    revoked_at: Mapped[dt.datetime | None]
    revoked_reason: Mapped[str | None]

    __table_args__ = (CheckConstraint("expires_at > issued_at", name="expires_at"),)
