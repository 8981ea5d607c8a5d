"""Students are told when a module opens by a date that is theirs alone, or so many days after their first."""

import sqlalchemy as sa
from alembic import op

revision = "0059_dates_of_their_own"
down_revision = "0058_course_codes"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("accommodation_dates", sa.Column("noted", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_index(
        "ix_accommodation_dates_unlocks_at",
        "accommodation_dates",
        ["unlocks_at"],
        postgresql_where=sa.text("NOT noted"),
    )
    op.create_index("ix_enrollments_first_day", "enrollments", [sa.text("coalesce(starts_at, enrolled_at)"), "id"])
    op.create_index(
        "ix_version_modules_unlock_after_days", "version_modules", ["unlock_after_days"],
        postgresql_where=sa.text("unlock_type = 'relative'"),
    )  # fmt: skip
    op.create_table(
        "relative_openings",
        sa.Column("after_days", sa.Integer(), autoincrement=False),
        sa.Column("first_day", sa.DateTime(timezone=True), nullable=False),
        sa.Column("enrollment_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("after_days", name="pk_relative_openings"),
    )


def downgrade() -> None:
    op.drop_table("relative_openings")
    op.drop_index("ix_version_modules_unlock_after_days", "version_modules")
    op.drop_index("ix_enrollments_first_day", "enrollments")
    op.drop_index("ix_accommodation_dates_unlocks_at", "accommodation_dates")
    op.drop_column("accommodation_dates", "noted")
