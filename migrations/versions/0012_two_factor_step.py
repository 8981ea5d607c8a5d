"""Remember the time step of the last authenticator code that was accepted, so that each code works once."""

import sqlalchemy as sa
from alembic import op

revision = "0012_two_factor_step"
down_revision = "0011_system_groups"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("users", sa.Column("two_factor_last_step", sa.Integer))


def downgrade() -> None:
    op.drop_column("users", "two_factor_last_step")
