"""Announcements: who may write and read them, when people were told, and how many have read each."""

import sqlalchemy as sa
from alembic import op
from lms_migrations.columns import MOMENT
from lms_migrations.permissions import Right, grant, revoke

revision = "0017_announcements"
down_revision = "0016_refresh_grace"
branch_labels = None
depends_on = None

EVERYBODY = ("student", "instructor", "moderator", "admin")
STAFF = {"own": ("instructor", "admin"), "assigned": EVERYBODY, "all": ("admin",)}

RIGHTS = (
    Right("announcements", "create", "Announce news of a course", STAFF),
    Right("announcements", "read", "Read the news of a course", {**STAFF, "enrolled": EVERYBODY}),
    Right("announcements", "update", "Change announcements", STAFF),
    Right("announcements", "delete", "Delete announcements", STAFF),
)

# By the difference that a statement makes, the announcements locked in the order of their ids: an account that goes
# takes its reads of many announcements with it.
COUNT_READS = """
CREATE FUNCTION lms_count_announcement_reads() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    sign integer := CASE TG_OP WHEN 'INSERT' THEN 1 ELSE -1 END;
BEGIN
    PERFORM 1 FROM announcements WHERE id IN (SELECT announcement_id FROM changed) ORDER BY id FOR NO KEY UPDATE;
    UPDATE announcements
    SET read_count = read_count + sign * difference.reads
    FROM (SELECT announcement_id, count(*) AS reads FROM changed GROUP BY announcement_id) AS difference
    WHERE announcements.id = difference.announcement_id;
    RETURN NULL;
END $$
"""

TRIGGERS = (
    """
    CREATE TRIGGER count_added AFTER INSERT ON announcement_reads
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION lms_count_announcement_reads()
    """,
    """
    CREATE TRIGGER count_removed AFTER DELETE ON announcement_reads
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION lms_count_announcement_reads()
    """,
)


def upgrade() -> None:
    op.add_column("announcements", sa.Column("announced_at", MOMENT))
    op.create_check_constraint("read_count", "announcements", "read_count >= 0")
    op.drop_index("ix_announcements_course_id_publish_at", "announcements")
    op.drop_index("ix_announcements_publish_at", "announcements")
    op.create_index("ix_announcements_course_id_publish_at_id", "announcements", ["course_id", "publish_at", "id"])
    op.create_index(
        "ix_announcements_due",
        "announcements",
        ["publish_at"],
        postgresql_where=sa.text("is_published AND announced_at IS NULL"),
    )
    op.create_index(
        "ix_announcement_reads_announcement_id_read_at_id",
        "announcement_reads",
        ["announcement_id", "read_at", "id"],
    )
    op.execute(COUNT_READS)
    for trigger in TRIGGERS:
        op.execute(trigger)
    grant(RIGHTS)


def downgrade() -> None:
    revoke(RIGHTS)
    op.execute("DROP TRIGGER count_removed ON announcement_reads")
    op.execute("DROP TRIGGER count_added ON announcement_reads")
    op.execute("DROP FUNCTION lms_count_announcement_reads()")
    op.drop_index("ix_announcement_reads_announcement_id_read_at_id", "announcement_reads")
    op.drop_index("ix_announcements_due", "announcements")
    op.drop_index("ix_announcements_course_id_publish_at_id", "announcements")
    op.create_index("ix_announcements_publish_at", "announcements", ["publish_at"])
    op.create_index("ix_announcements_course_id_publish_at", "announcements", ["course_id", "publish_at"])
    op.drop_constraint("read_count", "announcements", type_="check")
    op.drop_column("announcements", "announced_at")
