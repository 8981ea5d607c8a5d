"""Threads, posts, votes and reports; what people are told."""

import sqlalchemy as sa
from alembic import op
from lms_migrations.columns import FALSE, MOMENT, NEW_ID, NO_TEXTS, NOW, OBJECT, TEXTS, TRUE, ZERO
from sqlalchemy.dialects import postgresql as pg

revision = "0007_forum_and_notifications"
down_revision = "0006_assessment"
branch_labels = None
depends_on = None

THREAD_SEARCH = (
    "setweight(to_tsvector('lms'::regconfig, title), 'A'::\"char\")"
    " || setweight(to_tsvector('lms'::regconfig, lms_words(tags)), 'B'::\"char\")"
    " || setweight(to_tsvector('lms'::regconfig, \"left\"(content, 200000)), 'C'::\"char\")"
)
POST_SEARCH = "to_tsvector('lms'::regconfig, \"left\"(content, 200000))"


def upgrade() -> None:
    create_forum_threads()
    index_forum_threads()
    create_forum_posts()
    create_forum_votes()
    create_forum_reports()
    create_notifications()
    create_notification_preferences()
    op.create_foreign_key(
        "fk_forum_threads_best_answer_id",
        "forum_threads",
        "forum_posts",
        ["best_answer_id"],
        ["id"],
        ondelete="SET NULL",
    )


def downgrade() -> None:
    op.drop_constraint("fk_forum_threads_best_answer_id", "forum_threads")
    for table in (
        "notification_preferences",
        "notifications",
        "forum_reports",
        "forum_votes",
        "forum_posts",
        "forum_threads",
    ):
        op.drop_table(table)


def create_forum_threads() -> None:
    op.create_table(
        "forum_threads",
        sa.Column("id", sa.Uuid, primary_key=True, server_default=NEW_ID),
        sa.Column("course_id", sa.Uuid, sa.ForeignKey("courses.id", ondelete="CASCADE"), nullable=False),
        sa.Column("module_id", sa.Uuid, sa.ForeignKey("modules.id", ondelete="CASCADE")),
        sa.Column("lesson_id", sa.Uuid, sa.ForeignKey("lessons.id", ondelete="CASCADE")),
        sa.Column("author_id", sa.Uuid, sa.ForeignKey("users.id", ondelete="RESTRICT"), nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("content", sa.Text, nullable=False),
        sa.Column("thread_type", sa.Text, nullable=False, server_default="discussion"),
        sa.Column("is_pinned", sa.Boolean, nullable=False, server_default=FALSE),
        sa.Column("is_locked", sa.Boolean, nullable=False, server_default=FALSE),
        sa.Column("is_anonymous", sa.Boolean, nullable=False, server_default=FALSE),
        sa.Column("tags", TEXTS, nullable=False, server_default=NO_TEXTS),
        sa.Column("view_count", sa.Integer, nullable=False, server_default=ZERO),
        sa.Column("reply_count", sa.Integer, nullable=False, server_default=ZERO),
        sa.Column("last_reply_at", MOMENT),
        sa.Column("last_reply_by", sa.Uuid, sa.ForeignKey("users.id", ondelete="SET NULL")),
        sa.Column("upvotes", sa.Integer, nullable=False, server_default=ZERO),
        sa.Column("downvotes", sa.Integer, nullable=False, server_default=ZERO),
        sa.Column("is_answered", sa.Boolean, nullable=False, server_default=FALSE),
        sa.Column("best_answer_id", sa.Uuid),
        sa.Column("deleted_at", MOMENT),
        sa.Column("deleted_by", sa.Uuid, sa.ForeignKey("users.id", ondelete="SET NULL")),
        sa.Column("created_at", MOMENT, nullable=False, server_default=NOW),
        sa.Column("updated_at", MOMENT, nullable=False, server_default=NOW),
        sa.Column("search", pg.TSVECTOR, sa.Computed(THREAD_SEARCH, persisted=True), nullable=False),
        sa.CheckConstraint("thread_type IN ('discussion', 'question', 'announcement')", name="thread_type"),
        sa.CheckConstraint("view_count >= 0", name="view_count"),
        sa.CheckConstraint("reply_count >= 0", name="reply_count"),
        sa.CheckConstraint("upvotes >= 0", name="upvotes"),
        sa.CheckConstraint("downvotes >= 0", name="downvotes"),
    )


def index_forum_threads() -> None:
    op.create_index("ix_forum_threads_author_id", "forum_threads", ["author_id"])
    op.create_index(
        "ix_forum_threads_best_answer_id",
        "forum_threads",
        ["best_answer_id"],
        postgresql_where=sa.text("best_answer_id IS NOT NULL"),
    )
    op.create_index("ix_forum_threads_course_id_created_at_id", "forum_threads", ["course_id", "created_at", "id"])
    op.create_index(
        "ix_forum_threads_deleted_by",
        "forum_threads",
        ["deleted_by"],
        postgresql_where=sa.text("deleted_by IS NOT NULL"),
    )
    op.create_index(
        "ix_forum_threads_last_reply_by",
        "forum_threads",
        ["last_reply_by"],
        postgresql_where=sa.text("last_reply_by IS NOT NULL"),
    )
    op.create_index(
        "ix_forum_threads_lesson_id", "forum_threads", ["lesson_id"], postgresql_where=sa.text("lesson_id IS NOT NULL")
    )
    op.create_index(
        "ix_forum_threads_module_id", "forum_threads", ["module_id"], postgresql_where=sa.text("module_id IS NOT NULL")
    )
    op.create_index("ix_forum_threads_search", "forum_threads", ["search"], postgresql_using="gin")


def create_forum_posts() -> None:
    op.create_table(
        "forum_posts",
        sa.Column("id", sa.Uuid, primary_key=True, server_default=NEW_ID),
        sa.Column("thread_id", sa.Uuid, sa.ForeignKey("forum_threads.id", ondelete="CASCADE"), nullable=False),
        sa.Column("parent_id", sa.Uuid, sa.ForeignKey("forum_posts.id", ondelete="CASCADE")),
        sa.Column("author_id", sa.Uuid, sa.ForeignKey("users.id", ondelete="RESTRICT"), nullable=False),
        sa.Column("content", sa.Text, nullable=False),
        sa.Column("is_anonymous", sa.Boolean, nullable=False, server_default=FALSE),
        sa.Column("is_instructor_response", sa.Boolean, nullable=False, server_default=FALSE),
        sa.Column("upvotes", sa.Integer, nullable=False, server_default=ZERO),
        sa.Column("downvotes", sa.Integer, nullable=False, server_default=ZERO),
        sa.Column("is_solution", sa.Boolean, nullable=False, server_default=FALSE),
        sa.Column("edited_at", MOMENT),
        sa.Column("edited_by", sa.Uuid, sa.ForeignKey("users.id", ondelete="SET NULL")),
        sa.Column("deleted_at", MOMENT),
        sa.Column("deleted_by", sa.Uuid, sa.ForeignKey("users.id", ondelete="SET NULL")),
        sa.Column("deleted_reason", sa.Text),
        sa.Column("created_at", MOMENT, nullable=False, server_default=NOW),
        sa.Column("search", pg.TSVECTOR, sa.Computed(POST_SEARCH, persisted=True), nullable=False),
        sa.CheckConstraint("upvotes >= 0", name="upvotes"),
        sa.CheckConstraint("downvotes >= 0", name="downvotes"),
    )
    op.create_index("ix_forum_posts_author_id", "forum_posts", ["author_id"])
    op.create_index(
        "ix_forum_posts_deleted_by", "forum_posts", ["deleted_by"], postgresql_where=sa.text("deleted_by IS NOT NULL")
    )
    op.create_index(
        "ix_forum_posts_edited_by", "forum_posts", ["edited_by"], postgresql_where=sa.text("edited_by IS NOT NULL")
    )
    op.create_index(
        "ix_forum_posts_parent_id", "forum_posts", ["parent_id"], postgresql_where=sa.text("parent_id IS NOT NULL")
    )
    op.create_index("ix_forum_posts_search", "forum_posts", ["search"], postgresql_using="gin")
    op.create_index("ix_forum_posts_thread_id_created_at_id", "forum_posts", ["thread_id", "created_at", "id"])


def create_forum_votes() -> None:
    op.create_table(
        "forum_votes",
        sa.Column("id", sa.Uuid, primary_key=True, server_default=NEW_ID),
        sa.Column("user_id", sa.Uuid, sa.ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
        sa.Column("votable_type", sa.Text, nullable=False),
        sa.Column("votable_id", sa.Uuid, nullable=False),
        sa.Column("vote_type", sa.Text, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False, server_default=NOW),
        sa.CheckConstraint("votable_type IN ('thread', 'post')", name="votable_type"),
        sa.CheckConstraint("vote_type IN ('up', 'down')", name="vote_type"),
        sa.UniqueConstraint("user_id", "votable_type", "votable_id"),
    )
    op.create_index("ix_forum_votes_votable_type_votable_id", "forum_votes", ["votable_type", "votable_id"])


def create_forum_reports() -> None:
    op.create_table(
        "forum_reports",
        sa.Column("id", sa.Uuid, primary_key=True, server_default=NEW_ID),
        sa.Column("reporter_id", sa.Uuid, sa.ForeignKey("users.id", ondelete="RESTRICT"), nullable=False),
        sa.Column("content_type", sa.Text, nullable=False),
        sa.Column("content_id", sa.Uuid, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("description", sa.Text),
        sa.Column("status", sa.Text, nullable=False, server_default="pending"),
        sa.Column("reviewed_by", sa.Uuid, sa.ForeignKey("users.id", ondelete="SET NULL")),
        sa.Column("reviewed_at", MOMENT),
        sa.Column("action_taken", sa.Text),
        sa.Column("moderator_notes", sa.Text),
        sa.Column("created_at", MOMENT, nullable=False, server_default=NOW),
        sa.CheckConstraint("content_type IN ('thread', 'post')", name="content_type"),
        sa.CheckConstraint("status IN ('pending', 'reviewed', 'resolved', 'dismissed')", name="status"),
    )
    op.create_index("ix_forum_reports_content_type_content_id", "forum_reports", ["content_type", "content_id"])
    op.create_index("ix_forum_reports_reporter_id", "forum_reports", ["reporter_id"])
    op.create_index(
        "ix_forum_reports_reviewed_by",
        "forum_reports",
        ["reviewed_by"],
        postgresql_where=sa.text("reviewed_by IS NOT NULL"),
    )
    op.create_index("ix_forum_reports_status_created_at", "forum_reports", ["status", "created_at"])


def create_notifications() -> None:
    op.create_table(
        "notifications",
        sa.Column("id", sa.Uuid, primary_key=True, server_default=NEW_ID),
        sa.Column("user_id", sa.Uuid, sa.ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("data", pg.JSONB, nullable=False, server_default=OBJECT),
        sa.Column("priority", sa.Text, nullable=False, server_default="normal"),
        sa.Column("read_at", MOMENT),
        sa.Column("clicked_at", MOMENT),
        sa.Column("action_url", sa.Text),
        sa.Column("expires_at", MOMENT),
        sa.Column("created_at", MOMENT, nullable=False, server_default=NOW),
        sa.CheckConstraint("priority IN ('low', 'normal', 'high', 'urgent')", name="priority"),
    )
    op.create_index("ix_notifications_created_at", "notifications", ["created_at"])
    op.create_index(
        "ix_notifications_unread", "notifications", ["user_id"], postgresql_where=sa.text("read_at IS NULL")
    )
    op.create_index("ix_notifications_user_id_created_at_id", "notifications", ["user_id", "created_at", "id"])


def create_notification_preferences() -> None:
    op.create_table(
        "notification_preferences",
        sa.Column("id", sa.Uuid, primary_key=True, server_default=NEW_ID),
        sa.Column("user_id", sa.Uuid, sa.ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
        sa.Column("email_enabled", sa.Boolean, nullable=False, server_default=TRUE),
        sa.Column("email_frequency", sa.Text, nullable=False, server_default="immediate"),
        sa.Column("push_enabled", sa.Boolean, nullable=False, server_default=TRUE),
        sa.Column("sms_enabled", sa.Boolean, nullable=False, server_default=FALSE),
        sa.Column("preferences", pg.JSONB, nullable=False, server_default=OBJECT),
        sa.Column("quiet_hours_start", sa.Time),
        sa.Column("quiet_hours_end", sa.Time),
        sa.Column("created_at", MOMENT, nullable=False, server_default=NOW),
        sa.Column("updated_at", MOMENT, nullable=False, server_default=NOW),
        sa.CheckConstraint("email_frequency IN ('immediate', 'daily', 'weekly')", name="email_frequency"),
        sa.UniqueConstraint("user_id"),
    )
