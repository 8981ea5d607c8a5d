"""Publishing freezes a version: what students see no longer changes while an author works on the next one.

What is published already becomes version 1. Modules and lessons are deleted by a mark from now on, because versions
and progress refer to them.
"""

import sqlalchemy as sa
from alembic import op
from lms_migrations.columns import FALSE, LIST, MOMENT, NEW_ID, NO_UUIDS, NOW, OBJECT, TRUE, UUIDS, ZERO
from sqlalchemy.dialects import postgresql as pg

revision = "0014_course_versions"
down_revision = "0013_course_staff"
branch_labels = None
depends_on = None

LESSON_FACTS = (
    "title, description, content_type, content, duration_minutes, min_seconds, completion_criteria, is_preview, "
    "allow_comments, attachments, transcript"
)
MODULE_FACTS = "title, description, unlock_type, unlock_date, prerequisites, estimated_duration_minutes"
DIGEST = f"encode(sha256(convert_to(jsonb_build_array({LESSON_FACTS})::text, 'UTF8')), 'hex')"

FREEZE = (
    """
    INSERT INTO course_versions (course_id, number, published_at)
    SELECT id, 1, COALESCE(published_at, now()) FROM courses WHERE is_published
    """,
    "UPDATE courses SET version_id = v.id FROM course_versions v WHERE v.course_id = courses.id",
    f"""
    INSERT INTO version_modules (version_id, module_id, place, {MODULE_FACTS})
    SELECT v.id, m.id, m.order_index, {", ".join(f"m.{name}" for name in MODULE_FACTS.split(", "))}
    FROM course_versions v JOIN modules m ON m.course_id = v.course_id WHERE m.is_published
    """,
    f"""
    INSERT INTO lesson_revisions (lesson_id, digest, {LESSON_FACTS})
    SELECT l.id, {DIGEST}, {LESSON_FACTS}
    FROM lessons l WHERE is_published AND module_id IN (SELECT module_id FROM version_modules)
    """,
    """
    INSERT INTO version_lessons (version_id, lesson_id, module_id, place, revision_id)
    SELECT m.version_id, l.id, l.module_id, l.order_index, r.id
    FROM lesson_revisions r JOIN lessons l ON l.id = r.lesson_id JOIN version_modules m ON m.module_id = l.module_id
    """,
    """
    UPDATE course_versions SET lessons_total = counted.total
    FROM (SELECT version_id, count(*) AS total FROM version_lessons GROUP BY version_id) AS counted
    WHERE counted.version_id = course_versions.id
    """,
)


def upgrade() -> None:
    mark_deleted("modules")
    mark_deleted("lessons")
    create_versions()
    create_revisions()
    op.add_column("courses", sa.Column("version_id", sa.Uuid, sa.ForeignKey("course_versions.id")))
    op.create_index(
        "ix_courses_version_id", "courses", ["version_id"], postgresql_where=sa.text("version_id IS NOT NULL")
    )
    op.execute("ALTER TABLE courses DISABLE TRIGGER touch_updated_at")
    for statement in FREEZE:
        op.execute(statement)
    op.execute("ALTER TABLE courses ENABLE TRIGGER touch_updated_at")


def downgrade() -> None:
    op.drop_column("courses", "version_id")
    for table in ("version_lessons", "lesson_revisions", "version_modules", "course_versions"):
        op.drop_table(table)
    for table in ("lessons", "modules"):
        op.execute(f"DELETE FROM {table} WHERE deleted_at IS NOT NULL")
        op.drop_constraint(op.f(f"ck_{table}_placed"), table)
        op.alter_column(table, "order_index", nullable=False)
        op.drop_column(table, "deleted_at")


def mark_deleted(table: str) -> None:
    op.add_column(table, sa.Column("deleted_at", MOMENT))
    op.alter_column(table, "order_index", nullable=True)
    op.create_check_constraint("placed", table, "order_index IS NOT NULL OR deleted_at IS NOT NULL")


def create_versions() -> None:
    op.create_table(
        "course_versions",
        sa.Column("id", sa.Uuid, primary_key=True, server_default=NEW_ID),
        sa.Column("course_id", sa.Uuid, sa.ForeignKey("courses.id", ondelete="CASCADE"), nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("note", sa.Text),
        sa.Column("published_at", MOMENT, nullable=False, server_default=NOW),
        sa.Column("published_by", sa.Uuid, sa.ForeignKey("users.id", ondelete="SET NULL")),
        sa.Column("lessons_total", sa.Integer, nullable=False, server_default=ZERO),
        sa.CheckConstraint("number >= 1", name="number"),
        sa.CheckConstraint("lessons_total >= 0", name="lessons_total"),
        sa.UniqueConstraint("course_id", "number"),
    )
    op.create_index(
        "ix_course_versions_published_by",
        "course_versions",
        ["published_by"],
        postgresql_where=sa.text("published_by IS NOT NULL"),
    )
    op.create_table(
        "version_modules",
        sa.Column("version_id", sa.Uuid, sa.ForeignKey("course_versions.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("module_id", sa.Uuid, sa.ForeignKey("modules.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("place", sa.Integer, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("description", sa.Text),
        sa.Column("unlock_type", sa.Text, nullable=False, server_default="immediate"),
        sa.Column("unlock_date", MOMENT),
        sa.Column("prerequisites", UUIDS, nullable=False, server_default=NO_UUIDS),
        sa.Column("estimated_duration_minutes", sa.Integer),
    )
    op.create_index("ix_version_modules_module_id", "version_modules", ["module_id"])


def create_revisions() -> None:
    op.create_table(
        "lesson_revisions",
        sa.Column("id", sa.Uuid, primary_key=True, server_default=NEW_ID),
        sa.Column("lesson_id", sa.Uuid, sa.ForeignKey("lessons.id", ondelete="CASCADE"), nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("description", sa.Text),
        sa.Column("content_type", sa.Text, nullable=False),
        sa.Column("content", pg.JSONB, nullable=False, server_default=OBJECT),
        sa.Column("duration_minutes", sa.Integer),
        sa.Column("min_seconds", sa.Integer, nullable=False, server_default=ZERO),
        sa.Column("completion_criteria", pg.JSONB, nullable=False, server_default=OBJECT),
        sa.Column("is_preview", sa.Boolean, nullable=False, server_default=FALSE),
        sa.Column("allow_comments", sa.Boolean, nullable=False, server_default=TRUE),
        sa.Column("attachments", pg.JSONB, nullable=False, server_default=LIST),
        sa.Column("transcript", sa.Text),
        sa.Column("created_at", MOMENT, nullable=False, server_default=NOW),
        sa.UniqueConstraint("lesson_id", "digest"),
    )
    op.create_index(
        "ix_lesson_revisions_attachments",
        "lesson_revisions",
        ["attachments"],
        postgresql_using="gin",
        postgresql_ops={"attachments": "jsonb_path_ops"},
    )
    op.create_table(
        "version_lessons",
        sa.Column("version_id", sa.Uuid, sa.ForeignKey("course_versions.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("lesson_id", sa.Uuid, primary_key=True),
        sa.Column("module_id", sa.Uuid, nullable=False),
        sa.Column("place", sa.Integer, nullable=False),
        sa.Column("revision_id", sa.Uuid, sa.ForeignKey("lesson_revisions.id", ondelete="CASCADE"), nullable=False),
    )
    op.create_index("ix_version_lessons_revision_id", "version_lessons", ["revision_id"])
