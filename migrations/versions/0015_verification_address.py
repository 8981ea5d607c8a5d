"""Keep with a verification link the address that it was mailed to."""

import sqlalchemy as sa
from alembic import op

revision = "0015_verification_address"
down_revision = "0014_course_versions"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("users", sa.Column("email_verification_address", sa.Text))
    # Links that are under way: only whose own address is verified can have asked for one to another.
    op.execute(
        "UPDATE users SET email_verification_address = CASE WHEN email_verified THEN coalesce(pending_email, email)"
        " ELSE email END WHERE email_verification_token_hash IS NOT NULL"
    )
    op.create_check_constraint(
        "email_verification_address",
        "users",
        "email_verification_token_hash IS NULL OR email_verification_address IS NOT NULL",
    )


def downgrade() -> None:
    op.drop_constraint("email_verification_address", "users", type_="check")
    op.drop_column("users", "email_verification_address")
