"""A person's whole name has no blank at its end where there is no last name, and is searched so."""

import sqlalchemy as sa
from alembic import op

revision = "0060_whole_names"
down_revision = "0059_dates_of_their_own"
branch_labels = None
depends_on = None

PLAIN = "((first_name || ' '::text) || last_name)"


def upgrade() -> None:
    _index(f"btrim({PLAIN})")


def downgrade() -> None:
    _index(PLAIN)


def _index(name: str) -> None:
    op.drop_index("ix_users_name_trgm", "users")
    op.create_index(
        "ix_users_name_trgm", "users", [sa.literal_column(name).label("full_name")], postgresql_using="gin",
        postgresql_ops={"full_name": "gin_trgm_ops"},
    )  # fmt: skip
