"""What finds the notifications of an announcement that is taken back."""

import sqlalchemy as sa
from alembic import op

revision = "0035_announced_notifications"
down_revision = "0034_unlocking"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_notifications_announcement",
        "notifications",
        [sa.text("(data ->> 'announcementId')")],
        postgresql_where=sa.text("read_at IS NULL AND type = 'new_announcement'"),
    )


def downgrade() -> None:
    op.drop_index("ix_notifications_announcement")
