"""Every change of an enrollment's state is kept, whoever makes it; and edits of an enrollment can be conditional."""

import sqlalchemy as sa
from alembic import op
from lms_migrations.columns import MOMENT, NEW_ID, NOW

revision = "0031_enrollment_changes"
down_revision = "0030_titles_without_trigrams"
branch_labels = None
depends_on = None

# Only what staff decide is a change of the row: progress, by far the most of its writes, makes no ETag stale.
TOUCH = """
CREATE TRIGGER touch_updated_at BEFORE UPDATE OF status, starts_at, expires_at, notes ON enrollments
FOR EACH ROW EXECUTE FUNCTION lms_touch_updated_at()
"""

# Who and why come from the transaction where it says so (lifecycle.service.acting), else the reason from the row.
REASON = """COALESCE(
    NULLIF(current_setting('lms.reason', true), ''),
    CASE {row}.status WHEN 'suspended' THEN {row}.suspended_reason WHEN 'dropped' THEN {row}.dropped_reason END
)"""
ACTOR = "NULLIF(current_setting('lms.actor', true), '')::uuid"

KEEP_BEGINNING = f"""
CREATE FUNCTION lms_keep_enrollment_beginning() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO enrollment_changes (enrollment_id, to_status, reason, changed_by, created_at)
    SELECT id, status, {REASON.format(row="added")}, {ACTOR}, clock_timestamp() FROM added;
    RETURN NULL;
END $$
"""

KEEP_CHANGE = f"""
CREATE FUNCTION lms_keep_enrollment_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO enrollment_changes (enrollment_id, from_status, to_status, reason, changed_by, created_at)
    VALUES (NEW.id, OLD.status, NEW.status, {REASON.format(row="NEW")}, {ACTOR}, clock_timestamp());
    RETURN NULL;
END $$
"""

KEEP = (
    KEEP_BEGINNING,
    """
    CREATE TRIGGER keep_beginning AFTER INSERT ON enrollments
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION lms_keep_enrollment_beginning()
    """,
    KEEP_CHANGE,
    """
    CREATE TRIGGER keep_change AFTER UPDATE OF status ON enrollments
    FOR EACH ROW WHEN (OLD.status <> NEW.status) EXECUTE FUNCTION lms_keep_enrollment_change()
    """,
)

# What is known of those that were there before: that they were begun, and what became of them.
FILL = (
    """
    INSERT INTO enrollment_changes (enrollment_id, to_status, created_at)
    SELECT id, 'active', enrolled_at FROM enrollments
    """,
    """
    INSERT INTO enrollment_changes (enrollment_id, from_status, to_status, reason, created_at)
    SELECT id, 'active', status,
           CASE status WHEN 'suspended' THEN suspended_reason WHEN 'dropped' THEN dropped_reason END,
           COALESCE(
               CASE status
                   WHEN 'completed' THEN completed_at WHEN 'suspended' THEN suspended_at
                   WHEN 'dropped' THEN dropped_at WHEN 'expired' THEN expires_at
               END,
               now()
           )
    FROM enrollments WHERE status <> 'active'
    """,
)


def upgrade() -> None:
    op.add_column("enrollments", sa.Column("updated_at", MOMENT, nullable=False, server_default=NOW))
    op.create_table(
        "enrollment_changes",
        sa.Column("id", sa.Uuid, primary_key=True, server_default=NEW_ID),
        sa.Column("enrollment_id", sa.Uuid, sa.ForeignKey("enrollments.id", ondelete="CASCADE"), nullable=False),
        sa.Column("from_status", sa.Text),
        sa.Column("to_status", sa.Text, nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("changed_by", sa.Uuid, sa.ForeignKey("users.id", ondelete="SET NULL")),
        sa.Column("created_at", MOMENT, nullable=False, server_default=NOW),
    )
    op.create_index(
        "ix_enrollment_changes_enrollment_id_created_at_id",
        "enrollment_changes",
        ["enrollment_id", "created_at", "id"],
    )
    op.create_index(
        "ix_enrollment_changes_changed_by",
        "enrollment_changes",
        ["changed_by"],
        postgresql_where=sa.text("changed_by IS NOT NULL"),
    )
    for statement in (*FILL, *KEEP, TOUCH):
        op.execute(statement)


def downgrade() -> None:
    for function in ("lms_keep_enrollment_beginning", "lms_keep_enrollment_change"):
        op.execute(f"DROP FUNCTION {function}() CASCADE")  # With the trigger that calls it.
    op.execute("DROP TRIGGER touch_updated_at ON enrollments")
    op.drop_table("enrollment_changes")
    op.drop_column("enrollments", "updated_at")
