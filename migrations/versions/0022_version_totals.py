"""Count the lessons of each module in a version once, so that progress in it need not."""

import sqlalchemy as sa
from alembic import op
from lms_migrations.columns import ZERO

revision = "0022_version_totals"
down_revision = "0021_uploads"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("version_modules", sa.Column("lessons_total", sa.Integer, nullable=False, server_default=ZERO))
    op.execute(
        """
        UPDATE version_modules SET lessons_total = counted.total
        FROM (SELECT version_id, module_id, count(*) AS total FROM version_lessons GROUP BY 1, 2) AS counted
        WHERE counted.version_id = version_modules.version_id AND counted.module_id = version_modules.module_id
        """
    )


def downgrade() -> None:
    op.drop_column("version_modules", "lessons_total")
