"""When a module opens: days after enrollment, and the score that the modules before it ask for."""

import sqlalchemy as sa
from alembic import op

revision = "0034_unlocking"
down_revision = "0033_rosters"
branch_labels = None
depends_on = None

TYPES = "unlock_type IN ({})"


def upgrade() -> None:
    for table in ("modules", "version_modules"):
        op.add_column(table, sa.Column("unlock_after_days", sa.Integer))
        op.add_column(table, sa.Column("unlock_min_score", sa.Integer))
    op.drop_constraint(op.f("ck_modules_unlock_type"), "modules")
    op.create_check_constraint(
        "unlock_type", "modules", TYPES.format("'immediate', 'scheduled', 'sequential', 'relative'")
    )
    op.create_check_constraint("unlock_after_days", "modules", "unlock_after_days >= 0")
    op.create_check_constraint("unlock_min_score", "modules", "unlock_min_score BETWEEN 0 AND 100")


def downgrade() -> None:
    op.drop_constraint(op.f("ck_modules_unlock_type"), "modules")
    for table in ("modules", "version_modules"):
        op.execute(f"UPDATE {table} SET unlock_type = 'immediate' WHERE unlock_type = 'relative'")
        op.drop_column(table, "unlock_min_score")
        op.drop_column(table, "unlock_after_days")
    op.create_check_constraint("unlock_type", "modules", TYPES.format("'immediate', 'scheduled', 'sequential'"))
