"""The picture of a course that its author chose among uploaded files."""

import sqlalchemy as sa
from alembic import op

revision = "0032_course_pictures"
down_revision = "0031_enrollment_changes"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Until now every file that was a picture had been drawn.
    op.add_column("courses", sa.Column("thumbnail_chosen", sa.Boolean, nullable=False, server_default=sa.false()))


def downgrade() -> None:
    op.drop_column("courses", "thumbnail_chosen")
