"""Notes and bookmarks go with the account whose they were."""

from alembic import op

revision = "0057_forgotten_annotations"
down_revision = "0056_code_uses"
branch_labels = None
depends_on = None

FORGET = """
CREATE FUNCTION lms_forget_annotations() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM lesson_annotations WHERE user_id = NEW.id;
    RETURN NULL;
END $$
"""
FORGETS = """
CREATE TRIGGER forget_annotations AFTER UPDATE OF deleted_at ON users
FOR EACH ROW WHEN (NEW.deleted_at IS NOT NULL) EXECUTE FUNCTION lms_forget_annotations()
"""


def upgrade() -> None:
    op.execute(FORGET)
    op.execute(FORGETS)
    op.execute("DELETE FROM lesson_annotations USING users WHERE users.id = user_id AND users.deleted_at IS NOT NULL")


def downgrade() -> None:
    op.execute("DROP FUNCTION lms_forget_annotations() CASCADE")  # With its trigger.
