"""Archives that people and operators have asked for."""

import datetime as dt
import uuid

from sqlalchemy import BigInteger, ForeignKey, Index, func
from sqlalchemy.orm import Mapped, mapped_column

from lms_core.kernel.columns import Count, at_least, one_of
from lms_core.kernel.db import Base, Identified


class DataArchive(Identified, Base):
    """An export or backup, from request to download. ``file_size`` is in bytes."""

    __tablename__ = "data_archives"

    user_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    archive_type: Mapped[str]
    status: Mapped[str] = mapped_column(server_default="pending")
    file_path: Mapped[str | None]
    file_size: Mapped[int | None] = mapped_column(BigInteger)
    requested_at: Mapped[dt.datetime] = mapped_column(server_default=func.now())
    completed_at: Mapped[dt.datetime | None]
    expires_at: Mapped[dt.datetime | None]
    download_count: Mapped[Count]
    error_message: Mapped[str | None]

    __table_args__ = (
        one_of("archive_type", "user_data", "course_data", "full_backup"),
        one_of("status", "pending", "processing", "completed", "failed"),
        *at_least(0, "file_size", "download_count"),
        Index(None, "user_id", "status"),
        Index(None, "expires_at"),
    )
