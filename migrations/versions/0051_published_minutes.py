"""How long a course is for its students, whatever its author is doing to the draft."""

import sqlalchemy as sa
from alembic import op

revision = "0051_published_minutes"
down_revision = "0050_module_openings"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("courses", sa.Column("published_minutes", sa.Integer, nullable=False, server_default="0"))
    op.create_check_constraint(op.f("ck_courses_published_minutes"), "courses", "published_minutes >= 0")
    op.execute("SET LOCAL lms.derived = 'on'")
    op.execute(
        """
        UPDATE courses SET published_minutes = version.minutes
        FROM (
            SELECT version_id, sum(estimated_duration_minutes) AS minutes FROM version_modules GROUP BY version_id
        ) AS version
        WHERE version.version_id = courses.version_id AND version.minutes > 0
        """
    )
    op.execute("SET LOCAL lms.derived = 'off'")


def downgrade() -> None:
    op.drop_column("courses", "published_minutes")
