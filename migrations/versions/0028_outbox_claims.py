"""An index for each way in which a relay claims events: neither reads over those that others hold."""

import sqlalchemy as sa
from alembic import op

revision = "0028_outbox_claims"
down_revision = "0027_lesson_content"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_outbox_fresh", "outbox", ["id"], postgresql_where=sa.text("finished_at IS NULL AND lease_until IS NULL")
    )
    op.create_index(
        "ix_outbox_leased",
        "outbox",
        ["lease_until", "id"],
        postgresql_where=sa.text("finished_at IS NULL AND lease_until IS NOT NULL"),
    )
    op.drop_index("ix_outbox_unfinished", "outbox")


def downgrade() -> None:
    op.create_index("ix_outbox_unfinished", "outbox", ["id"], postgresql_where=sa.text("finished_at IS NULL"))
    op.drop_index("ix_outbox_leased", "outbox")
    op.drop_index("ix_outbox_fresh", "outbox")
