"""What is found out about a lesson's content stands apart from it, and is no change that an author made.

Minutes that were there for anything but a text are its author's word.
"""

import sqlalchemy as sa
from alembic import op
from lms_migrations.columns import FALSE, OBJECT
from sqlalchemy.dialects import postgresql as pg

revision = "0027_lesson_content"
down_revision = "0026_course_exchange"
branch_labels = None
depends_on = None

# What follows from what others wrote leaves the time of change alone, if its transaction says so.
TOUCH = """
CREATE OR REPLACE FUNCTION lms_touch_updated_at() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('lms.derived', true) IS DISTINCT FROM 'on' THEN
        NEW.updated_at := clock_timestamp();
    END IF;
    RETURN NEW;
END $$
"""
ALWAYS_TOUCH = """
CREATE OR REPLACE FUNCTION lms_touch_updated_at() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.updated_at := clock_timestamp();
    RETURN NEW;
END $$
"""


# In the order in which the model has them: what a revision is known by.
BEFORE = (
    "title, description, content_type, content, duration_minutes, min_seconds, completion_criteria, is_preview, "
    "allow_comments, attachments, transcript"
)
NOW = BEFORE.replace("duration_minutes", "derived, duration_minutes, duration_given")
DIGEST = "UPDATE lesson_revisions SET digest = encode(sha256(convert_to(jsonb_build_array({})::text, 'UTF8')), 'hex')"
AUTHORS_WORD = "UPDATE {} SET duration_given = true WHERE content_type <> 'text' AND duration_minutes IS NOT NULL"


def upgrade() -> None:
    op.execute(TOUCH)
    op.execute("SET LOCAL lms.derived = 'on'")
    for table in ("lessons", "lesson_revisions"):
        op.add_column(table, sa.Column("derived", pg.JSONB, nullable=False, server_default=OBJECT))
        op.add_column(table, sa.Column("duration_given", sa.Boolean, nullable=False, server_default=FALSE))
        op.execute(AUTHORS_WORD.format(table))
    op.execute(DIGEST.format(NOW))


def downgrade() -> None:
    op.execute(DIGEST.format(BEFORE))
    for table in ("lessons", "lesson_revisions"):
        op.drop_column(table, "duration_given")
        op.drop_column(table, "derived")
    op.execute(ALWAYS_TOUCH)
