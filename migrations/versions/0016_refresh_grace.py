"""Keep with a session when its refresh token was replaced; and no hash of access tokens, which nothing ever read."""

import sqlalchemy as sa
from alembic import op

revision = "0016_refresh_grace"
down_revision = "0015_verification_address"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("user_sessions", sa.Column("token_rotated_at", sa.DateTime(timezone=True)))
    op.drop_column("user_sessions", "access_token_hash")
    # A session is looked up by its id, which stands in the token.
    op.drop_index("ix_user_sessions_previous_token_hash", "user_sessions")


def downgrade() -> None:
    op.create_index(
        "ix_user_sessions_previous_token_hash",
        "user_sessions",
        ["previous_token_hash"],
        postgresql_where=sa.text("previous_token_hash IS NOT NULL"),
    )
    op.add_column("user_sessions", sa.Column("access_token_hash", sa.Text))
    op.drop_column("user_sessions", "token_rotated_at")
