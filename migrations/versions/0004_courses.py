"""Courses, their staff, modules, lessons and announcements."""

import sqlalchemy as sa
from alembic import op
from lms_migrations.columns import (
    FALSE,
    LIST,
    MOMENT,
    NEW_ID,
    NO_TEXTS,
    NO_UUIDS,
    NOW,
    OBJECT,
    TEXTS,
    TRUE,
    UUIDS,
    ZERO,
)
from sqlalchemy.dialects import postgresql as pg

revision = "0004_courses"
down_revision = "0003_people_and_files"
branch_labels = None
depends_on = None

LIVING = sa.text("deleted_at IS NULL")
IN_CATALOG = sa.text("is_published AND deleted_at IS NULL AND archived_at IS NULL")
SEARCH = (
    "setweight(to_tsvector('lms'::regconfig, title), 'A'::\"char\")"
    " || setweight(to_tsvector('lms'::regconfig, code), 'A'::\"char\")"
    " || setweight(to_tsvector('lms'::regconfig, lms_words(tags)), 'B'::\"char\")"
    " || setweight(to_tsvector('lms'::regconfig, \"left\"(COALESCE(description, ''::text), 200000)), 'C'::\"char\")"
)


def upgrade() -> None:
    create_courses()
    index_courses()
    create_course_staff()
    create_modules()
    create_lessons()
    create_announcements()
    create_announcement_reads()


def downgrade() -> None:
    for table in (
        "announcement_reads",
        "announcements",
        "lessons",
        "modules",
        "course_staff",
        "courses",
    ):
        op.drop_table(table)


def create_courses() -> None:
    op.create_table(
        "courses",
        sa.Column("id", sa.Uuid, primary_key=True, server_default=NEW_ID),
        sa.Column("code", sa.Text, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("slug", sa.Text, nullable=False),
        sa.Column("description", sa.Text),
        sa.Column("syllabus", sa.Text),
        sa.Column("instructor_id", sa.Uuid, sa.ForeignKey("users.id", ondelete="RESTRICT"), nullable=False),
        sa.Column("category", sa.Text),
        sa.Column("sub_category", sa.Text),
        sa.Column("level", sa.Text),
        sa.Column("language", sa.Text, nullable=False, server_default="en"),
        sa.Column("thumbnail_url", sa.Text),
        sa.Column("intro_video_url", sa.Text),
        sa.Column("duration_minutes", sa.Integer, nullable=False, server_default=ZERO),
        sa.Column("price", sa.Numeric(10, 2), nullable=False, server_default=ZERO),
        sa.Column("currency", sa.Text, nullable=False, server_default="USD"),
        sa.Column("is_free", sa.Boolean, sa.Computed("price = 0::numeric", persisted=True), nullable=False),
        sa.Column("is_published", sa.Boolean, nullable=False, server_default=FALSE),
        sa.Column("published_at", MOMENT),
        sa.Column("is_featured", sa.Boolean, nullable=False, server_default=FALSE),
        sa.Column("enrollment_type", sa.Text, nullable=False, server_default="open"),
        sa.Column("max_students", sa.Integer),
        sa.Column("prerequisites", TEXTS, nullable=False, server_default=NO_TEXTS),
        sa.Column("tags", TEXTS, nullable=False, server_default=NO_TEXTS),
        sa.Column("learning_outcomes", TEXTS, nullable=False, server_default=NO_TEXTS),
        sa.Column("requirements", TEXTS, nullable=False, server_default=NO_TEXTS),
        sa.Column("target_audience", sa.Text),
        sa.Column("completion_certificate", sa.Boolean, nullable=False, server_default=TRUE),
        sa.Column("allow_discussion", sa.Boolean, nullable=False, server_default=TRUE),
        sa.Column("allow_download", sa.Boolean, nullable=False, server_default=FALSE),
        sa.Column("metadata", pg.JSONB, nullable=False, server_default=OBJECT),
        sa.Column("settings", pg.JSONB, nullable=False, server_default=OBJECT),
        sa.Column("rating_sum", sa.Integer, nullable=False, server_default=ZERO),
        sa.Column("rating_count", sa.Integer, nullable=False, server_default=ZERO),
        sa.Column(
            "rating_average",
            sa.Numeric(3, 2),
            sa.Computed(
                "COALESCE(round(rating_sum::numeric / NULLIF(rating_count, 0)::numeric, 2), 0::numeric)", persisted=True
            ),
            nullable=False,
        ),
        sa.Column("enrolled_count", sa.Integer, nullable=False, server_default=ZERO),
        sa.Column("completed_count", sa.Integer, nullable=False, server_default=ZERO),
        sa.Column("archived_at", MOMENT),
        sa.Column("deleted_at", MOMENT),
        sa.Column("created_at", MOMENT, nullable=False, server_default=NOW),
        sa.Column("updated_at", MOMENT, nullable=False, server_default=NOW),
        sa.Column("search", pg.TSVECTOR, sa.Computed(SEARCH, persisted=True), nullable=False),
        sa.CheckConstraint("level IN ('beginner', 'intermediate', 'advanced')", name="level"),
        sa.CheckConstraint("duration_minutes >= 0", name="duration_minutes"),
        sa.CheckConstraint("price >= 0", name="price"),
        sa.CheckConstraint("currency ~ '^[A-Z]{3}$'", name="currency"),
        sa.CheckConstraint("max_students >= 1", name="max_students"),
    )


def index_courses() -> None:
    op.create_index("ix_courses_catalog_category", "courses", ["category", "sub_category"], postgresql_where=IN_CATALOG)
    op.create_index(
        "ix_courses_catalog_newest",
        "courses",
        [sa.text("published_at DESC"), sa.text("id DESC")],
        postgresql_where=IN_CATALOG,
    )
    op.create_index(
        "ix_courses_catalog_popular",
        "courses",
        [sa.text("enrolled_count DESC"), sa.text("id DESC")],
        postgresql_where=IN_CATALOG,
    )
    op.create_index("ix_courses_catalog_price", "courses", ["price", "id"], postgresql_where=IN_CATALOG)
    op.create_index(
        "ix_courses_catalog_rating",
        "courses",
        [sa.text("rating_average DESC"), sa.text("id DESC")],
        postgresql_where=IN_CATALOG,
    )
    op.create_index("ix_courses_instructor_id", "courses", ["instructor_id"])
    op.create_index("ix_courses_search", "courses", ["search"], postgresql_using="gin")
    op.create_index("ix_courses_tags", "courses", ["tags"], postgresql_using="gin")
    op.create_index(
        "ix_courses_title_trgm", "courses", ["title"], postgresql_using="gin", postgresql_ops={"title": "gin_trgm_ops"}
    )
    op.create_index("uq_courses_code", "courses", ["code"], unique=True, postgresql_where=LIVING)
    op.create_index("uq_courses_slug", "courses", ["slug"], unique=True, postgresql_where=LIVING)


def create_course_staff() -> None:
    op.create_table(
        "course_staff",
        sa.Column("id", sa.Uuid, primary_key=True, server_default=NEW_ID),
        sa.Column("course_id", sa.Uuid, sa.ForeignKey("courses.id", ondelete="CASCADE"), nullable=False),
        sa.Column("user_id", sa.Uuid, sa.ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("permissions", pg.JSONB, nullable=False, server_default=OBJECT),
        sa.Column("assigned_at", MOMENT, nullable=False, server_default=NOW),
        sa.Column("assigned_by", sa.Uuid, sa.ForeignKey("users.id", ondelete="SET NULL")),
        sa.CheckConstraint("role IN ('co_instructor', 'teaching_assistant')", name="role"),
        sa.UniqueConstraint("course_id", "user_id"),
    )
    op.create_index(
        "ix_course_staff_assigned_by",
        "course_staff",
        ["assigned_by"],
        postgresql_where=sa.text("assigned_by IS NOT NULL"),
    )
    op.create_index("ix_course_staff_user_id", "course_staff", ["user_id"])


def create_modules() -> None:
    op.create_table(
        "modules",
        sa.Column("id", sa.Uuid, primary_key=True, server_default=NEW_ID),
        sa.Column("course_id", sa.Uuid, sa.ForeignKey("courses.id", ondelete="CASCADE"), nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("description", sa.Text),
        sa.Column("order_index", sa.Integer, nullable=False),
        sa.Column("is_published", sa.Boolean, nullable=False, server_default=TRUE),
        sa.Column("unlock_type", sa.Text, nullable=False, server_default="immediate"),
        sa.Column("unlock_date", MOMENT),
        sa.Column("prerequisites", UUIDS, nullable=False, server_default=NO_UUIDS),
        sa.Column("estimated_duration_minutes", sa.Integer),
        sa.Column("created_at", MOMENT, nullable=False, server_default=NOW),
        sa.Column("updated_at", MOMENT, nullable=False, server_default=NOW),
        sa.CheckConstraint("order_index >= 0", name="order_index"),
        sa.CheckConstraint("unlock_type IN ('immediate', 'scheduled', 'sequential')", name="unlock_type"),
        sa.CheckConstraint("estimated_duration_minutes >= 0", name="estimated_duration_minutes"),
        sa.UniqueConstraint("course_id", "order_index", deferrable=True, initially="DEFERRED"),
    )


def create_lessons() -> None:
    op.create_table(
        "lessons",
        sa.Column("id", sa.Uuid, primary_key=True, server_default=NEW_ID),
        sa.Column("module_id", sa.Uuid, sa.ForeignKey("modules.id", ondelete="CASCADE"), nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("description", sa.Text),
        sa.Column("content_type", sa.Text, nullable=False),
        sa.Column("content", pg.JSONB, nullable=False, server_default=OBJECT),
        sa.Column("order_index", sa.Integer, nullable=False),
        sa.Column("duration_minutes", sa.Integer),
        sa.Column("min_seconds", sa.Integer, nullable=False, server_default=ZERO),
        sa.Column("completion_criteria", pg.JSONB, nullable=False, server_default=OBJECT),
        sa.Column("is_preview", sa.Boolean, nullable=False, server_default=FALSE),
        sa.Column("is_published", sa.Boolean, nullable=False, server_default=TRUE),
        sa.Column("allow_comments", sa.Boolean, nullable=False, server_default=TRUE),
        sa.Column("attachments", pg.JSONB, nullable=False, server_default=LIST),
        sa.Column("transcript", sa.Text),
        sa.Column("created_at", MOMENT, nullable=False, server_default=NOW),
        sa.Column("updated_at", MOMENT, nullable=False, server_default=NOW),
        sa.CheckConstraint("order_index >= 0", name="order_index"),
        sa.CheckConstraint("duration_minutes >= 0", name="duration_minutes"),
        sa.CheckConstraint("min_seconds >= 0", name="min_seconds"),
        sa.UniqueConstraint("module_id", "order_index", deferrable=True, initially="DEFERRED"),
    )
    op.create_index(
        "ix_lessons_attachments",
        "lessons",
        ["attachments"],
        postgresql_using="gin",
        postgresql_ops={"attachments": "jsonb_path_ops"},
    )


def create_announcements() -> None:
    op.create_table(
        "announcements",
        sa.Column("id", sa.Uuid, primary_key=True, server_default=NEW_ID),
        sa.Column("course_id", sa.Uuid, sa.ForeignKey("courses.id", ondelete="CASCADE"), nullable=False),
        sa.Column("author_id", sa.Uuid, sa.ForeignKey("users.id", ondelete="RESTRICT"), nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("content", sa.Text, nullable=False),
        sa.Column("priority", sa.Text, nullable=False, server_default="normal"),
        sa.Column("is_published", sa.Boolean, nullable=False, server_default=TRUE),
        sa.Column("publish_at", MOMENT, nullable=False, server_default=NOW),
        sa.Column("expires_at", MOMENT),
        sa.Column("target_audience", pg.JSONB, nullable=False, server_default=OBJECT),
        sa.Column("read_count", sa.Integer, nullable=False, server_default=ZERO),
        sa.Column("created_at", MOMENT, nullable=False, server_default=NOW),
        sa.Column("updated_at", MOMENT, nullable=False, server_default=NOW),
        sa.CheckConstraint("priority IN ('low', 'normal', 'high', 'urgent')", name="priority"),
        sa.CheckConstraint("expires_at > publish_at", name="expires_at"),
    )
    op.create_index("ix_announcements_author_id", "announcements", ["author_id"])
    op.create_index("ix_announcements_course_id_publish_at", "announcements", ["course_id", "publish_at"])
    op.create_index("ix_announcements_publish_at", "announcements", ["publish_at"])


def create_announcement_reads() -> None:
    op.create_table(
        "announcement_reads",
        sa.Column("id", sa.Uuid, primary_key=True, server_default=NEW_ID),
        sa.Column("announcement_id", sa.Uuid, sa.ForeignKey("announcements.id", ondelete="CASCADE"), nullable=False),
        sa.Column("user_id", sa.Uuid, sa.ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
        sa.Column("read_at", MOMENT, nullable=False, server_default=NOW),
        sa.UniqueConstraint("announcement_id", "user_id"),
    )
    op.create_index("ix_announcement_reads_user_id", "announcement_reads", ["user_id"])
