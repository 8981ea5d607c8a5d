"""What is completed or suspended gives its place back when its time is over."""

import sqlalchemy as sa
from alembic import op
from lms_migrations.columns import MOMENT

revision = "0055_places"
down_revision = "0054_pruned_payment_events"
branch_labels = None
depends_on = None

BEFORE = "{row}status NOT IN ('dropped', 'expired')"
NOW = BEFORE + " AND {row}place_freed_at IS NULL"

COUNT = """
CREATE OR REPLACE FUNCTION lms_count_enrollments() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    sign integer := CASE TG_OP WHEN 'INSERT' THEN 1 ELSE -1 END;
BEGIN
    PERFORM 1 FROM courses WHERE id IN (SELECT course_id FROM changed) ORDER BY id FOR NO KEY UPDATE;
    UPDATE courses
    SET enrolled_count = enrolled_count + sign * difference.enrolled,
        completed_count = completed_count + sign * difference.completed
    FROM (
        SELECT course_id,
               count(*) FILTER (WHERE {counts}) AS enrolled,
               count(*) FILTER (WHERE status = 'completed') AS completed
        FROM changed GROUP BY course_id
    ) AS difference
    WHERE courses.id = difference.course_id AND (difference.enrolled > 0 OR difference.completed > 0);
    RETURN NULL;
END $$
"""

RECOUNT = """
CREATE OR REPLACE FUNCTION lms_recount_enrollment() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE courses
    SET enrolled_count = enrolled_count + difference.enrolled,
        completed_count = completed_count + difference.completed
    FROM (
        SELECT course_id, sum(enrolled) AS enrolled, sum(completed) AS completed
        FROM (VALUES
            (OLD.course_id, -({old})::integer, -(OLD.status = 'completed')::integer),
            (NEW.course_id, ({new})::integer, (NEW.status = 'completed')::integer)
        ) AS change (course_id, enrolled, completed)
        GROUP BY course_id
    ) AS difference
    WHERE courses.id = difference.course_id AND (difference.enrolled <> 0 OR difference.completed <> 0);
    RETURN NULL;
END $$
"""

TRIGGER = """
CREATE OR REPLACE TRIGGER count_changed AFTER UPDATE OF status, course_id{columns} ON enrollments
FOR EACH ROW WHEN (OLD.status <> NEW.status OR OLD.course_id <> NEW.course_id{changed})
EXECUTE FUNCTION lms_recount_enrollment()
"""


def count(counts: str) -> None:
    op.execute(COUNT.format(counts=counts.format(row="")))
    op.execute(RECOUNT.format(old=counts.format(row="OLD."), new=counts.format(row="NEW.")))


def index(where: str) -> None:
    op.drop_index("ix_enrollments_expires_at", "enrollments")
    op.create_index("ix_enrollments_expires_at", "enrollments", ["expires_at"], postgresql_where=sa.text(where))


def upgrade() -> None:
    op.add_column("enrollments", sa.Column("place_freed_at", MOMENT))
    count(NOW)
    changed = " OR OLD.place_freed_at IS DISTINCT FROM NEW.place_freed_at"
    op.execute(TRIGGER.format(columns=", place_freed_at", changed=changed))
    # What is over already is found by the periodic task, in batches, and its places are given to who waits.
    index(
        "expires_at IS NOT NULL AND (status = 'active'"
        " OR place_freed_at IS NULL AND status IN ('completed', 'suspended'))"
    )


def downgrade() -> None:
    op.execute("UPDATE enrollments SET place_freed_at = NULL WHERE place_freed_at IS NOT NULL")
    op.execute(TRIGGER.format(columns="", changed=""))
    count(BEFORE)
    index("status = 'active' AND expires_at IS NOT NULL")
    op.drop_column("enrollments", "place_freed_at")
