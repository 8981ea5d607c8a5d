"""What is granted to single students: more time, more attempts, dates of their own."""

import sqlalchemy as sa
from alembic import op
from lms_migrations.columns import FALSE, MOMENT, NEW_ID, NOW, ONE, ZERO
from lms_migrations.permissions import Right, grant, revoke

from lms_core.kernel.migrations import touch_trigger

revision = "0038_accommodations"
down_revision = "0037_admission"
branch_labels = None
depends_on = None

EVERYBODY = ("student", "instructor", "moderator", "admin")
STAFF = {"own": ("instructor", "admin"), "assigned": EVERYBODY, "all": ("admin",)}

RIGHTS = (
    Right("accommodations", "read", "See what is granted to single students, and why", STAFF),
    Right("accommodations", "update", "Grant single students more time, more attempts and other dates", STAFF),
)


def upgrade() -> None:
    op.add_column("enrollments", sa.Column("extended_until", MOMENT))
    op.create_table(
        "accommodations",
        sa.Column("id", sa.Uuid, primary_key=True, server_default=NEW_ID),
        sa.Column(
            "enrollment_id", sa.Uuid, sa.ForeignKey("enrollments.id", ondelete="CASCADE"), nullable=False, unique=True
        ),
        sa.Column("extra_time_factor", sa.Numeric(3, 2), nullable=False, server_default=ONE),
        sa.Column("extra_attempts", sa.Integer, nullable=False, server_default=ZERO),
        sa.Column("waives_sequence", sa.Boolean, nullable=False, server_default=FALSE),
        sa.Column("reason", sa.Text),
        sa.Column("granted_by", sa.Uuid, sa.ForeignKey("users.id", ondelete="SET NULL")),
        sa.Column("created_at", MOMENT, nullable=False, server_default=NOW),
        sa.Column("updated_at", MOMENT, nullable=False, server_default=NOW),
        sa.CheckConstraint("extra_time_factor BETWEEN 1 AND 5", name="extra_time_factor"),
        sa.CheckConstraint("extra_attempts >= 0", name="extra_attempts"),
    )
    op.create_index(
        "ix_accommodations_granted_by",
        "accommodations",
        ["granted_by"],
        postgresql_where=sa.text("granted_by IS NOT NULL"),
    )
    op.execute(touch_trigger("accommodations"))
    op.create_table(
        "accommodation_dates",
        sa.Column(
            "accommodation_id", sa.Uuid, sa.ForeignKey("accommodations.id", ondelete="CASCADE"), primary_key=True
        ),
        sa.Column("module_id", sa.Uuid, sa.ForeignKey("modules.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("unlocks_at", MOMENT, nullable=False),
    )
    op.create_index("ix_accommodation_dates_module_id", "accommodation_dates", ["module_id"])
    grant(RIGHTS)


def downgrade() -> None:
    revoke(RIGHTS)
    op.drop_table("accommodation_dates")
    op.drop_table("accommodations")
    op.drop_column("enrollments", "extended_until")
