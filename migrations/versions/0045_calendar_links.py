"""Addresses of calendars, which end with the password and with the account."""

import sqlalchemy as sa
from alembic import op
from lms_migrations.columns import MOMENT, NEW_ID, NOW

revision = "0045_calendar_links"
down_revision = "0044_roster_messages"
branch_labels = None
depends_on = None

END = """
CREATE FUNCTION lms_end_calendar_link() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM calendar_links WHERE user_id = NEW.id;
    RETURN NULL;
END $$
"""
ENDS = """
CREATE TRIGGER end_calendar_link AFTER UPDATE OF password_changed_at, is_active, suspended_at, deleted_at ON users
FOR EACH ROW WHEN (
    NEW.password_changed_at IS DISTINCT FROM OLD.password_changed_at
    OR NOT NEW.is_active OR NEW.suspended_at IS NOT NULL OR NEW.deleted_at IS NOT NULL
) EXECUTE FUNCTION lms_end_calendar_link()
"""


def upgrade() -> None:
    op.create_table(
        "calendar_links",
        sa.Column("id", sa.Uuid, primary_key=True, server_default=NEW_ID),
        sa.Column("user_id", sa.Uuid, sa.ForeignKey("users.id", ondelete="CASCADE"), nullable=False, unique=True),
        sa.Column("token_hash", sa.Text, nullable=False, unique=True),
        sa.Column("created_at", MOMENT, nullable=False, server_default=NOW),
    )
    op.execute(END)
    op.execute(ENDS)


def downgrade() -> None:
    op.execute("DROP FUNCTION lms_end_calendar_link() CASCADE")  # With its trigger.
    op.drop_table("calendar_links")
