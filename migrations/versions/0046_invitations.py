"""Invitations: who was invited to a course by e-mail, and what became of it."""

import sqlalchemy as sa
from alembic import op
from lms_migrations.columns import MOMENT, NEW_ID, NOW
from lms_migrations.permissions import Right, grant, revoke

revision = "0046_invitations"
down_revision = "0045_calendar_links"
branch_labels = None
depends_on = None

EVERYBODY = ("student", "instructor", "moderator", "admin")
STAFF = {"own": ("instructor", "admin"), "assigned": EVERYBODY, "all": ("admin",)}

RIGHTS = (
    Right("invitations", "create", "Invite people to a course by e-mail", STAFF),
    Right("invitations", "read", "See whom a course has invited", STAFF),
    Right("invitations", "update", "Send invitations again, and revoke them", STAFF),
)


def upgrade() -> None:
    op.create_table(
        "invitations",
        sa.Column("id", sa.Uuid, primary_key=True, server_default=NEW_ID),
        sa.Column("course_id", sa.Uuid, sa.ForeignKey("courses.id", ondelete="CASCADE"), nullable=False),
        sa.Column("email", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False, server_default="pending"),
        sa.Column("token_hash", sa.Text, nullable=False, unique=True),
        sa.Column("message", sa.Text),
        sa.Column("user_id", sa.Uuid, sa.ForeignKey("users.id", ondelete="CASCADE")),
        sa.Column("invited_by", sa.Uuid, sa.ForeignKey("users.id", ondelete="SET NULL")),
        sa.Column("sent_at", MOMENT, nullable=False, server_default=NOW),
        sa.Column("sent_count", sa.Integer, nullable=False, server_default="1"),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("ended_at", MOMENT),
        sa.Column("created_at", MOMENT, nullable=False, server_default=NOW),
        sa.CheckConstraint("status IN ('pending', 'accepted', 'declined', 'revoked')", name="status"),
        sa.CheckConstraint("sent_count >= 1", name="sent_count"),
        sa.CheckConstraint("(status = 'pending') = (ended_at IS NULL)", name="ended_at"),
        sa.CheckConstraint("status <> 'accepted' OR user_id IS NOT NULL", name="accepted"),
    )
    op.create_index(
        "uq_invitations_course_id_email", "invitations", ["course_id", sa.text("lower(email)")], unique=True
    )
    op.create_index("ix_invitations_course_id_created_at_id", "invitations", ["course_id", "created_at", "id"])
    op.create_index("ix_invitations_email", "invitations", [sa.text("lower(email)")])
    op.create_index(
        "ix_invitations_expires_at", "invitations", ["expires_at"], postgresql_where=sa.text("status <> 'accepted'")
    )
    for column in ("user_id", "invited_by"):
        op.create_index(
            f"ix_invitations_{column}", "invitations", [column], postgresql_where=sa.text(f"{column} IS NOT NULL")
        )
    grant(RIGHTS)


def downgrade() -> None:
    revoke(RIGHTS)
    op.drop_table("invitations")
