"""Waiting lists of courses that have to be paid for: until when a place is kept for who has waited for it."""

import sqlalchemy as sa
from alembic import op
from lms_migrations.columns import MOMENT

revision = "0053_offered_places"
down_revision = "0052_tag_keys"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("enrollment_waits", sa.Column("offered_until", MOMENT))
    op.create_index(
        "ix_enrollment_waits_offered_until", "enrollment_waits", ["offered_until"],
        postgresql_where=sa.text("offered_until IS NOT NULL"),
    )  # fmt: skip


def downgrade() -> None:
    op.drop_column("enrollment_waits", "offered_until")
