"""Notes and bookmarks of students, in a table of their own: no heartbeat rewrites them, and they need no progress."""

import sqlalchemy as sa
from alembic import op
from lms_migrations.columns import LIST, MOMENT, NEW_ID, NOW
from lms_migrations.permissions import Right, grant, revoke
from sqlalchemy.dialects import postgresql as pg

from lms_core.kernel.migrations import touch_trigger

revision = "0047_annotations"
down_revision = "0046_invitations"
branch_labels = None
depends_on = None

EVERYBODY = ("student", "instructor", "moderator", "admin")
OWN = {"own": EVERYBODY}

RIGHTS = (
    Right("annotations", "create", "Write notes and set bookmarks in lessons", {"enrolled": EVERYBODY}),
    Right("annotations", "read", "See one's own notes and bookmarks", OWN),
    Right("annotations", "update", "Change one's own notes and bookmarks", OWN),
    Right("annotations", "delete", "Delete one's own notes and bookmarks", OWN),
)

# What no client of ours ever wrote is taken over as far as it has the shape that was documented.
MOVE = (
    """
    INSERT INTO lesson_annotations (user_id, lesson_id, kind, text, created_at)
    SELECT user_id, lesson_id, 'note', btrim(notes), coalesce(started_at, now()) FROM lesson_progress
    WHERE btrim(notes) <> ''
    """,
    """
    INSERT INTO lesson_annotations (user_id, lesson_id, kind, position, text, created_at)
    SELECT user_id, lesson_id, 'bookmark',
           CASE WHEN mark ->> 'position' ~ '^[0-9]{1,9}$' THEN (mark ->> 'position')::integer END,
           coalesce(mark ->> 'note', ''), coalesce(started_at, now())
    FROM lesson_progress
    CROSS JOIN jsonb_array_elements(CASE jsonb_typeof(bookmarks) WHEN 'array' THEN bookmarks ELSE '[]' END) AS mark
    WHERE bookmarks <> '[]'::jsonb AND jsonb_typeof(mark) = 'object'
    """,
)
MOVE_BACK = (
    """
    UPDATE lesson_progress SET notes = noted.notes
    FROM (SELECT user_id, lesson_id, string_agg(text, E'\\n\\n' ORDER BY created_at, id) AS notes
          FROM lesson_annotations WHERE kind = 'note' GROUP BY user_id, lesson_id) AS noted
    WHERE noted.user_id = lesson_progress.user_id AND noted.lesson_id = lesson_progress.lesson_id
    """,
    """
    UPDATE lesson_progress SET bookmarks = marked.bookmarks
    FROM (SELECT user_id, lesson_id,
                 jsonb_agg(jsonb_build_object('id', id, 'position', position, 'note', text, 'createdAt', created_at)
                           ORDER BY created_at, id) AS bookmarks
          FROM lesson_annotations WHERE kind = 'bookmark' GROUP BY user_id, lesson_id) AS marked
    WHERE marked.user_id = lesson_progress.user_id AND marked.lesson_id = lesson_progress.lesson_id
    """,
)


def upgrade() -> None:
    op.create_table(
        "lesson_annotations",
        sa.Column("id", sa.Uuid, primary_key=True, server_default=NEW_ID),
        sa.Column("user_id", sa.Uuid, sa.ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
        sa.Column("lesson_id", sa.Uuid, sa.ForeignKey("lessons.id", ondelete="CASCADE"), nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("position", sa.Integer),
        sa.Column("text", sa.Text, nullable=False, server_default=sa.text("''")),
        sa.Column("created_at", MOMENT, nullable=False, server_default=NOW),
        sa.Column("updated_at", MOMENT, nullable=False, server_default=NOW),
        sa.CheckConstraint("kind IN ('note', 'bookmark')", name="kind"),
        sa.CheckConstraint("position >= 0", name="position"),
        sa.CheckConstraint("kind = 'bookmark' OR text <> ''", name="text"),
    )
    for statement in MOVE:
        op.execute(statement)
    for columns in (["lesson_id"], ["user_id", "lesson_id"], ["user_id", "created_at", "id"]):
        op.create_index(f"ix_lesson_annotations_{'_'.join(columns)}", "lesson_annotations", columns)
    op.execute(touch_trigger("lesson_annotations"))
    op.drop_column("lesson_progress", "notes")
    op.drop_column("lesson_progress", "bookmarks")
    grant(RIGHTS)


def downgrade() -> None:
    revoke(RIGHTS)
    op.add_column("lesson_progress", sa.Column("notes", sa.Text))
    op.add_column("lesson_progress", sa.Column("bookmarks", pg.JSONB, nullable=False, server_default=LIST))
    for statement in MOVE_BACK:
        op.execute(statement)
    op.drop_table("lesson_annotations")
