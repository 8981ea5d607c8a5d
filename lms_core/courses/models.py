"""Courses, those who teach them, and what they are made of."""

import datetime as dt
import uuid
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Column, Computed, ForeignKey, Index, UniqueConstraint, func, text
from sqlalchemy.dialects.postgresql import ARRAY, TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import Numeric, Text, Uuid

from lms_core.kernel.columns import (
    SEARCHED,
    Count,
    Document,
    Money,
    Off,
    On,
    Records,
    Words,
    at_least,
    one_of,
    percent,
    sparse_index,
)
from lms_core.kernel.db import Base, Identified, Timestamped

LIVING = text("deleted_at IS NULL")
IN_CATALOG = text("is_published AND deleted_at IS NULL AND archived_at IS NULL")
_HIDDEN = text("NOT is_published OR archived_at IS NOT NULL OR deleted_at IS NOT NULL")
METHOD_SETTINGS = "enrollment"
"""Of ``courses.settings``: below it stand the settings of each enrollment method by its name, so that none are lost by
trying another one."""
_FACETS = ("category", "level", "language", "enrollment_type")

# Written as PostgreSQL prints them, so that comparing the models with a database finds no difference.
TITLE_KEY = r"lower(regexp_replace(NORMALIZE(title, NFKD), '[\u0300-\u036f]'::text, ''::text, 'g'::text))"
COURSE_SEARCH = (
    "setweight(to_tsvector('lms'::regconfig, title), 'A'::\"char\")"
    " || setweight(to_tsvector('lms'::regconfig, code), 'A'::\"char\")"
    " || setweight(to_tsvector('lms'::regconfig, lms_words(tags)), 'B'::\"char\")"
    " || setweight(to_tsvector('lms'::regconfig, \"left\"(COALESCE(description, ''::text), 200000)), 'C'::\"char\")"
)


def _order(name: str, *columns: Any, beside: tuple[str, ...] = ()) -> Index:
    """An order of the catalog."""
    held = [*beside, "tag_keys"]
    return Index(f"ix_courses_catalog_{name}", *columns, postgresql_include=held, postgresql_where=IN_CATALOG)


class Course(Identified, Timestamped, Base):
    """A course. ``version_id`` is what students see of it while it is published: a frozen state of its modules and
    lessons, whose own rows are the draft.

    Triggers keep ``enrolled_count``, ``completed_count``, ``rating_count`` and ``rating_sum``.
    ``enrolled_count`` counts who has a place: every enrollment that is neither dropped nor expired, a completed or
    suspended one until its time is over. ``is_free``,
    ``rating_average`` and ``title_key``, the title without case and accents to sort by, are computed by the database.
    So is ``tag_keys``, of each tag a 64-bit hash, which every index that orders the catalog holds: small enough for it,
    it tells who has a tag without a look at the table.
    """

    __tablename__ = "courses"
    __mapper_args__ = {**SEARCHED, "exclude_properties": ("search", "tag_keys")}

    code: Mapped[str]
    title: Mapped[str]
    title_key: Mapped[str] = mapped_column(Text(collation="C"), Computed(TITLE_KEY, persisted=True))
    slug: Mapped[str]
    description: Mapped[str | None]
    syllabus: Mapped[str | None]
    instructor_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id", ondelete="RESTRICT"), index=True)
    category: Mapped[str | None]
    sub_category: Mapped[str | None]
    level: Mapped[str | None]
    language: Mapped[str] = mapped_column(server_default="en")
    thumbnail_url: Mapped[str | None]
    thumbnail_file_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("file_uploads.id", ondelete="SET NULL"))
    thumbnail_chosen: Mapped[Off]
    """Whether the author chose the file that is the picture; else it was drawn."""
    intro_video_url: Mapped[str | None]
    duration_minutes: Mapped[Count]
    """Of the draft."""
    published_minutes: Mapped[Count]
    """Of the version that students see."""
    price: Mapped[Money] = mapped_column(server_default=text("0"))
    currency: Mapped[str] = mapped_column(server_default="USD")
    is_free: Mapped[bool] = mapped_column(Computed("price = 0::numeric", persisted=True))
    is_published: Mapped[Off]
    published_at: Mapped[dt.datetime | None]
    version_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("course_versions.id", use_alter=True))
    is_featured: Mapped[Off]
    enrollment_type: Mapped[str] = mapped_column(server_default="open")
    enrollment_opens_at: Mapped[dt.datetime | None]
    enrollment_closes_at: Mapped[dt.datetime | None]
    max_students: Mapped[int | None]
    waiting_list: Mapped[Off]
    prerequisites: Mapped[Words]
    tags: Mapped[Words]
    learning_outcomes: Mapped[Words]
    requirements: Mapped[Words]
    target_audience: Mapped[str | None]
    completion_certificate: Mapped[On]
    certificate_months: Mapped[int | None]
    """How long a certificate is valid, from its issue; null for good."""
    allow_discussion: Mapped[On]
    allow_download: Mapped[Off]
    extra: Mapped[Document] = mapped_column("metadata")
    settings: Mapped[Document]
    rating_sum: Mapped[Count]
    rating_count: Mapped[Count]
    rating_average: Mapped[Decimal] = mapped_column(
        Numeric(3, 2),
        Computed(
            "COALESCE(round(rating_sum::numeric / NULLIF(rating_count, 0)::numeric, 2), 0::numeric)", persisted=True
        ),
    )
    enrolled_count: Mapped[Count]
    completed_count: Mapped[Count]
    archived_at: Mapped[dt.datetime | None]
    deleted_at: Mapped[dt.datetime | None]

    __table_args__ = (
        Column("search", TSVECTOR, Computed(COURSE_SEARCH, persisted=True), nullable=False),
        Column("tag_keys", ARRAY(BigInteger), Computed("lms_tag_keys(tags)", persisted=True), nullable=False),
        one_of("level", "beginner", "intermediate", "advanced"),
        CheckConstraint("currency ~ '^[A-Z]{3}$'", name="currency"),
        CheckConstraint("enrollment_closes_at > enrollment_opens_at", name="enrollment_closes_at"),
        *at_least(0, "price", "duration_minutes", "published_minutes"),
        *at_least(1, "max_students", "certificate_months"),
        Index("uq_courses_code", text("lower(code)"), unique=True, postgresql_where=LIVING),
        Index("uq_courses_slug", "slug", unique=True, postgresql_where=LIVING),
        sparse_index("version_id"),
        sparse_index("thumbnail_file_id"),
        Index("ix_courses_search", "search", postgresql_using="gin"),
        Index("ix_courses_tag_keys", "tag_keys", postgresql_using="gin"),
        # Two for every set of filters: counting what fits needs no look at the table.
        Index(
            "ix_courses_catalog_category", *_FACETS, "sub_category", "price", "currency", postgresql_where=IN_CATALOG
        ),
        Index("ix_courses_catalog_sub_category", "sub_category", *_FACETS[1:], postgresql_where=IN_CATALOG),
        _order("newest", text("published_at DESC"), text("id DESC")),
        _order("popular", text("enrolled_count DESC"), text("id DESC")),
        _order("rating", text("rating_average DESC"), text("id DESC")),
        _order("price", "price", "id", beside=("currency",)),
        _order("title", "title_key", "id"),
        # The order of a search, which has to read each course: within a category, those of no other.
        Index(
            "ix_courses_catalog_category_popular",
            "category",
            text("enrolled_count DESC"),
            text("id DESC"),
            postgresql_where=IN_CATALOG,
        ),
        Index("ix_courses_hidden", text("created_at DESC"), text("id DESC"), postgresql_where=_HIDDEN),
    )

    @property
    def in_catalog(self) -> bool:
        """Whether people find it, and can come to take it."""
        return self.is_published and self.archived_at is None and self.deleted_at is None


class CatalogWord(Base):
    """A word of a title that is or was in the catalog, in lower case and without accents; a trigger writes it."""

    __tablename__ = "catalog_words"

    word: Mapped[str] = mapped_column(primary_key=True)

    __table_args__ = (
        Index("ix_catalog_words_word_trgm", "word", postgresql_using="gin", postgresql_ops={"word": "gin_trgm_ops"}),
    )


class CourseStaff(Identified, Base):
    """Somebody who helps to run a course, and what they may do there."""

    __tablename__ = "course_staff"

    course_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("courses.id", ondelete="CASCADE"))
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    role: Mapped[str]
    permissions: Mapped[Document]
    assigned_at: Mapped[dt.datetime] = mapped_column(server_default=func.now())
    assigned_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))

    __table_args__ = (
        one_of("role", "co_instructor", "teaching_assistant"),
        UniqueConstraint("course_id", "user_id"),
        sparse_index("assigned_by"),
    )


class ModuleFacts:
    """What a module says and demands: the columns that a version freezes.

    A module is open to a student once all that it demands is so: ``unlock_date`` has come (``scheduled``), or so many
    days have gone by since the student's first (``relative``), or the module before it is completed (``sequential``);
    whatever the type, each of ``prerequisites`` is completed, and none of the modules that it waits for was scored
    below ``unlock_min_score``, in percent.
    """

    title: Mapped[str]
    description: Mapped[str | None]
    unlock_type: Mapped[str] = mapped_column(server_default="immediate")
    unlock_date: Mapped[dt.datetime | None]
    unlock_after_days: Mapped[int | None]
    unlock_min_score: Mapped[int | None]
    prerequisites: Mapped[list[uuid.UUID]] = mapped_column(ARRAY(Uuid), server_default=text("'{}'::uuid[]"))
    estimated_duration_minutes: Mapped[int | None]


class LessonFacts:
    """What a lesson says and demands: the columns that a version freezes.

    Whoever provides ``content_type`` says what ``content`` holds. ``derived`` is what was found out about the content
    after it was saved, and is shown with it. ``duration_given`` says that ``duration_minutes`` is the author's word.
    ``attachments`` are the files that the content uses, those made of them (``derived``), and those that an author has
    put beside it (``attached``). ``min_seconds`` is the least time that a student spends there before it counts as
    completed.
    """

    title: Mapped[str]
    description: Mapped[str | None]
    content_type: Mapped[str]
    content: Mapped[Document]
    derived: Mapped[Document]
    duration_minutes: Mapped[int | None]
    duration_given: Mapped[Off]
    min_seconds: Mapped[Count]
    completion_criteria: Mapped[Document]
    is_preview: Mapped[Off]
    allow_comments: Mapped[On]
    attachments: Mapped[Records]
    transcript: Mapped[str | None]

    @property
    def shown_content(self) -> dict[str, Any]:
        """The content with all that is known of it."""
        return {**self.content, **self.derived}


UNLOCK_TYPES = ("immediate", "scheduled", "sequential", "relative")
_PLACED = "order_index IS NOT NULL OR deleted_at IS NOT NULL"


def _attachments_index() -> Index:
    return Index(None, "attachments", postgresql_using="gin", postgresql_ops={"attachments": "jsonb_path_ops"})


class Module(Identified, Timestamped, ModuleFacts, Base):
    """A chapter of a course, as its authors see it.

    Its place is unique among its siblings, checked at commit so that they can swap; what was deleted has none.
    ``is_published`` says whether the next version has it.
    """

    __tablename__ = "modules"

    course_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("courses.id", ondelete="CASCADE"))
    order_index: Mapped[int | None]
    is_published: Mapped[On]
    deleted_at: Mapped[dt.datetime | None]

    __table_args__ = (
        one_of("unlock_type", *UNLOCK_TYPES),
        *at_least(0, "order_index", "estimated_duration_minutes", "unlock_after_days"),
        percent("unlock_min_score"),
        CheckConstraint(_PLACED, name="placed"),
        UniqueConstraint("course_id", "order_index", deferrable=True, initially="DEFERRED"),
    )


class Lesson(Identified, Timestamped, LessonFacts, Base):
    """One thing to read, watch or do, as its authors see it; placed, published and deleted as modules are."""

    __tablename__ = "lessons"

    module_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("modules.id", ondelete="CASCADE"))
    order_index: Mapped[int | None]
    is_published: Mapped[On]
    deleted_at: Mapped[dt.datetime | None]

    __table_args__ = (
        *at_least(0, "order_index", "duration_minutes", "min_seconds"),
        CheckConstraint(_PLACED, name="placed"),
        UniqueConstraint("module_id", "order_index", deferrable=True, initially="DEFERRED"),
        _attachments_index(),
    )


class CourseVersion(Identified, Base):
    """One publication of a course: what students see from then until the next one.

    Its modules and lessons are frozen; a lesson that did not change since an earlier version is not stored again.
    ``amendments`` counts how often something was found out about its lessons since: of the same version with the same
    number of these, everything is the same.
    """

    __tablename__ = "course_versions"

    course_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("courses.id", ondelete="CASCADE"))
    number: Mapped[int]
    note: Mapped[str | None]
    published_at: Mapped[dt.datetime] = mapped_column(server_default=func.now())
    published_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    lessons_total: Mapped[Count]
    amendments: Mapped[Count]

    __table_args__ = (
        *at_least(1, "number"),
        *at_least(0, "lessons_total"),
        UniqueConstraint("course_id", "number"),
        sparse_index("published_by"),
    )


class VersionModule(ModuleFacts, Base):
    """A module in a version."""

    __tablename__ = "version_modules"

    version_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("course_versions.id", ondelete="CASCADE"), primary_key=True
    )
    module_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("modules.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    place: Mapped[int]
    lessons_total: Mapped[Count]

    __table_args__ = (
        Index(None, "unlock_date", postgresql_where=text("unlock_type = 'scheduled'")),
        Index(None, "unlock_after_days", postgresql_where=text("unlock_type = 'relative'")),
    )


class LessonRevision(Identified, LessonFacts, Base):
    """A state of a lesson that was published; ``digest`` is the SHA-256 of its facts, in lower-case hex."""

    __tablename__ = "lesson_revisions"

    lesson_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("lessons.id", ondelete="CASCADE"))
    digest: Mapped[str]
    created_at: Mapped[dt.datetime] = mapped_column(server_default=func.now())

    __table_args__ = (UniqueConstraint("lesson_id", "digest"), _attachments_index())


class VersionLesson(Base):
    """A lesson in a version: where it stands, and in which state."""

    __tablename__ = "version_lessons"

    version_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("course_versions.id", ondelete="CASCADE"), primary_key=True
    )
    lesson_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    """Of the revision, which goes with its lesson."""
    module_id: Mapped[uuid.UUID]
    """One of the version's modules."""
    place: Mapped[int]
    revision_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("lesson_revisions.id", ondelete="CASCADE"), index=True)

    __table_args__ = (Index(None, "version_id", "module_id", "place"),)


PRIORITIES = ("low", "normal", "high", "urgent")
"""Of an announcement, rising."""


class Announcement(Identified, Timestamped, Base):
    """News of a course, from ``publish_at`` until ``expires_at``.

    ``target_audience`` is empty for everybody, else ``{"groups": [...], "users": [...]}``, with only what is not
    empty. ``announced_at`` is when people were told, which happens once. A trigger keeps ``read_count``.
    """

    __tablename__ = "announcements"

    course_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("courses.id", ondelete="CASCADE"))
    author_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id", ondelete="RESTRICT"), index=True)
    title: Mapped[str]
    content: Mapped[str]
    priority: Mapped[str] = mapped_column(server_default="normal")
    is_published: Mapped[On]
    publish_at: Mapped[dt.datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[dt.datetime | None]
    target_audience: Mapped[Document]
    announced_at: Mapped[dt.datetime | None]
    read_count: Mapped[Count]

    __table_args__ = (
        one_of("priority", *PRIORITIES),
        CheckConstraint("expires_at > publish_at", name="expires_at"),
        *at_least(0, "read_count"),
        Index(None, "course_id", "publish_at", "id"),
        Index("ix_announcements_due", "publish_at", postgresql_where=text("is_published AND announced_at IS NULL")),
    )


class AnnouncementRead(Identified, Base):
    """That somebody has read an announcement, and when."""

    __tablename__ = "announcement_reads"

    announcement_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("announcements.id", ondelete="CASCADE"))
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    read_at: Mapped[dt.datetime] = mapped_column(server_default=func.now())

    __table_args__ = (
        UniqueConstraint("announcement_id", "user_id"),
        Index(None, "announcement_id", "read_at", "id"),
    )
