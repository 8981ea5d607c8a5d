"""Exports and imports of courses that somebody has asked for, and what became of them."""

import datetime as dt
import uuid

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from lms_core.kernel.columns import Count, Off, Records, at_least, one_of, sparse_index
from lms_core.kernel.db import Base, Created, Identified

PENDING, RUNNING, DONE, FAILED = "pending", "running", "done", "failed"
STATUSES = (PENDING, RUNNING, DONE, FAILED)
UNFINISHED = "status IN ('pending', 'running')"


class JobFacts:
    """What every job says of itself. ``attempts`` were begun; ``error`` is the code of the last failure, ``detail`` it
    in words. What has ended is forgotten at ``expires_at``."""

    requested_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    status: Mapped[str] = mapped_column(server_default=PENDING)
    attempts: Mapped[Count]
    error: Mapped[str | None]
    detail: Mapped[str | None]
    started_at: Mapped[dt.datetime | None]
    finished_at: Mapped[dt.datetime | None]
    expires_at: Mapped[dt.datetime | None]


class CourseExport(Identified, Created, JobFacts, Base):
    """A course on its way into a file: its draft, or the version ``version``.

    Once it is done, the file rests under ``storage_path`` in ``storage_provider``; ``lost`` are the course's files that
    could not be exported, each ``{"name", "reason"}``.
    """

    __tablename__ = "course_exports"

    course_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("courses.id", ondelete="CASCADE"), index=True)
    version: Mapped[int | None]
    format: Mapped[str]
    lost: Mapped[Records]
    file_name: Mapped[str | None]
    file_size: Mapped[int | None] = mapped_column(BigInteger)
    mime_type: Mapped[str | None]
    checksum: Mapped[str | None]
    storage_provider: Mapped[str | None]
    storage_path: Mapped[str | None]

    __table_args__ = (
        one_of("status", *STATUSES),
        *at_least(0, "attempts", "file_size"),
        *at_least(1, "version"),
        CheckConstraint("status <> 'done' OR storage_path IS NOT NULL", name="done"),
        CheckConstraint("status NOT IN ('done', 'failed') OR expires_at IS NOT NULL", name="expires"),
        Index(
            "uq_course_exports_unfinished", "requested_by", "course_id", unique=True, postgresql_where=text(UNFINISHED)
        ),
        Index(None, "requested_by", "course_id"),
        sparse_index("expires_at"),
        Index(None, "storage_provider", "storage_path"),
    )


class CourseImport(Identified, Created, JobFacts, Base):
    """A file on its way into a course. ``skipped`` is what of it could not be brought, each ``{"name", "reason"}``."""

    __tablename__ = "course_imports"

    file_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("file_uploads.id", ondelete="SET NULL"))
    publish: Mapped[Off]
    course_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("courses.id", ondelete="SET NULL"))
    modules: Mapped[int | None]
    lessons: Mapped[int | None]
    files: Mapped[int | None]
    skipped: Mapped[Records]

    __table_args__ = (
        one_of("status", *STATUSES),
        *at_least(0, "attempts", "modules", "lessons", "files"),
        CheckConstraint("status NOT IN ('done', 'failed') OR expires_at IS NOT NULL", name="expires"),
        Index("uq_course_imports_unfinished", "requested_by", unique=True, postgresql_where=text(UNFINISHED)),
        Index(None, "requested_by"),
        sparse_index("file_id"),
        sparse_index("course_id"),
        sparse_index("expires_at"),
    )
