"""Exports and imports of courses as jobs, and who may export one."""

import sqlalchemy as sa
from alembic import op
from lms_migrations.columns import FALSE, LIST, MOMENT, NEW_ID, NOW, ZERO
from lms_migrations.permissions import Right, grant, revoke
from sqlalchemy.dialects import postgresql as pg

revision = "0026_course_exchange"
down_revision = "0025_course_covers"
branch_labels = None
depends_on = None

EVERYBODY = ("student", "instructor", "moderator", "admin")
TEACHERS = ("instructor", "admin")
RIGHTS = (Right("courses", "export", "Export courses", {"own": TEACHERS, "assigned": EVERYBODY, "all": ("admin",)}),)

STATUS = "status IN ('pending', 'running', 'done', 'failed')"
EXPIRES = "status NOT IN ('done', 'failed') OR expires_at IS NOT NULL"
UNFINISHED = sa.text("status IN ('pending', 'running')")


def upgrade() -> None:
    create_exports()
    create_imports()
    grant(RIGHTS)


def downgrade() -> None:
    revoke(RIGHTS)
    op.drop_table("course_imports")
    op.drop_table("course_exports")


def job_facts() -> tuple[sa.Column[object], ...]:
    return (
        sa.Column("requested_by", sa.Uuid, sa.ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
        sa.Column("status", sa.Text, nullable=False, server_default="pending"),
        sa.Column("attempts", sa.Integer, nullable=False, server_default=ZERO),
        sa.Column("error", sa.Text),
        sa.Column("detail", sa.Text),
        sa.Column("started_at", MOMENT),
        sa.Column("finished_at", MOMENT),
        sa.Column("expires_at", MOMENT),
    )


def create_exports() -> None:
    op.create_table(
        "course_exports",
        sa.Column("id", sa.Uuid, primary_key=True, server_default=NEW_ID),
        *job_facts(),
        sa.Column("course_id", sa.Uuid, sa.ForeignKey("courses.id", ondelete="CASCADE"), nullable=False),
        sa.Column("version", sa.Integer),
        sa.Column("format", sa.Text, nullable=False),
        sa.Column("lost", pg.JSONB, nullable=False, server_default=LIST),
        sa.Column("file_name", sa.Text),
        sa.Column("file_size", sa.BigInteger),
        sa.Column("mime_type", sa.Text),
        sa.Column("checksum", sa.Text),
        sa.Column("storage_provider", sa.Text),
        sa.Column("storage_path", sa.Text),
        sa.Column("created_at", MOMENT, nullable=False, server_default=NOW),
        sa.CheckConstraint(STATUS, name="status"),
        sa.CheckConstraint("attempts >= 0", name="attempts"),
        sa.CheckConstraint("file_size >= 0", name="file_size"),
        sa.CheckConstraint("version >= 1", name="version"),
        sa.CheckConstraint("status <> 'done' OR storage_path IS NOT NULL", name="done"),
        sa.CheckConstraint(EXPIRES, name="expires"),
    )
    op.create_index("ix_course_exports_course_id", "course_exports", ["course_id"])
    op.create_index("ix_course_exports_requested_by_course_id", "course_exports", ["requested_by", "course_id"])
    op.create_index(
        "uq_course_exports_unfinished",
        "course_exports",
        ["requested_by", "course_id"],
        unique=True,
        postgresql_where=UNFINISHED,
    )
    op.create_index(
        "ix_course_exports_storage_provider_storage_path", "course_exports", ["storage_provider", "storage_path"]
    )
    sparse_index("course_exports", "expires_at")


def create_imports() -> None:
    op.create_table(
        "course_imports",
        sa.Column("id", sa.Uuid, primary_key=True, server_default=NEW_ID),
        *job_facts(),
        sa.Column("file_id", sa.Uuid, sa.ForeignKey("file_uploads.id", ondelete="SET NULL")),
        sa.Column("publish", sa.Boolean, nullable=False, server_default=FALSE),
        sa.Column("course_id", sa.Uuid, sa.ForeignKey("courses.id", ondelete="SET NULL")),
        sa.Column("modules", sa.Integer),
        sa.Column("lessons", sa.Integer),
        sa.Column("files", sa.Integer),
        sa.Column("skipped", pg.JSONB, nullable=False, server_default=LIST),
        sa.Column("created_at", MOMENT, nullable=False, server_default=NOW),
        sa.CheckConstraint(STATUS, name="status"),
        *(sa.CheckConstraint(f"{name} >= 0", name=name) for name in ("attempts", "modules", "lessons", "files")),
        sa.CheckConstraint(EXPIRES, name="expires"),
    )
    op.create_index("ix_course_imports_requested_by", "course_imports", ["requested_by"])
    op.create_index(
        "uq_course_imports_unfinished", "course_imports", ["requested_by"], unique=True, postgresql_where=UNFINISHED
    )
    for column in ("file_id", "course_id", "expires_at"):
        sparse_index("course_imports", column)


def sparse_index(table: str, column: str) -> None:
    where = sa.text(f"{column} IS NOT NULL")
    op.create_index(f"ix_{table}_{column}", table, [column], postgresql_where=where)
