"""Which dates of modules have come and were told of; what is past by now is no news."""

import sqlalchemy as sa
from alembic import op
from lms_migrations.columns import MOMENT

revision = "0050_module_openings"
down_revision = "0049_forgotten_holders"
branch_labels = None
depends_on = None

PAST = """
INSERT INTO module_openings (module_id, unlock_date)
SELECT module_id, unlock_date FROM version_modules JOIN courses USING (version_id)
WHERE unlock_type = 'scheduled' AND unlock_date <= now()
"""


def upgrade() -> None:
    op.create_table(
        "module_openings",
        sa.Column("module_id", sa.Uuid, sa.ForeignKey("modules.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("unlock_date", MOMENT, nullable=False),
    )
    op.create_index(
        "ix_version_modules_unlock_date",
        "version_modules",
        ["unlock_date"],
        postgresql_where=sa.text("unlock_type = 'scheduled'"),
    )
    op.execute(PAST)


def downgrade() -> None:
    op.drop_index("ix_version_modules_unlock_date", "version_modules")
    op.drop_table("module_openings")
