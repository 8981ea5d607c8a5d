"""Threads and posts of a course, votes on them, and reports about them."""

import datetime as dt
import uuid

from sqlalchemy import Column, Computed, ForeignKey, Index, UniqueConstraint
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column

from lms_core.kernel.columns import SEARCHED, Count, Off, Words, at_least, one_of, sparse_index
from lms_core.kernel.db import Base, Created, Identified, Timestamped

# Written as PostgreSQL prints it, so that comparing the models with a database finds no difference.
THREAD_SEARCH = (
    "setweight(to_tsvector('lms'::regconfig, title), 'A'::\"char\")"
    " || setweight(to_tsvector('lms'::regconfig, lms_words(tags)), 'B'::\"char\")"
    " || setweight(to_tsvector('lms'::regconfig, \"left\"(content, 200000)), 'C'::\"char\")"
)
POST_SEARCH = "to_tsvector('lms'::regconfig, \"left\"(content, 200000))"


class ForumThread(Identified, Timestamped, Base):
    """A conversation in a course, perhaps about one module or lesson."""

    __tablename__ = "forum_threads"
    __mapper_args__ = SEARCHED

    course_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("courses.id", ondelete="CASCADE"))
    module_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("modules.id", ondelete="CASCADE"))
    lesson_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("lessons.id", ondelete="CASCADE"))
    author_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id", ondelete="RESTRICT"), index=True)
    title: Mapped[str]
    content: Mapped[str]
    thread_type: Mapped[str] = mapped_column(server_default="discussion")
    is_pinned: Mapped[Off]
    is_locked: Mapped[Off]
    is_anonymous: Mapped[Off]
    tags: Mapped[Words]
    view_count: Mapped[Count]
    reply_count: Mapped[Count]
    last_reply_at: Mapped[dt.datetime | None]
    last_reply_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    upvotes: Mapped[Count]
    downvotes: Mapped[Count]
    is_answered: Mapped[Off]
    best_answer_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("forum_posts.id", ondelete="SET NULL", use_alter=True)
    )
    deleted_at: Mapped[dt.datetime | None]
    deleted_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))

    __table_args__ = (
        Column("search", TSVECTOR, Computed(THREAD_SEARCH, persisted=True), nullable=False),
        one_of("thread_type", "discussion", "question", "announcement"),
        *at_least(0, "view_count", "reply_count", "upvotes", "downvotes"),
        Index(None, "course_id", "created_at", "id"),
        Index("ix_forum_threads_search", "search", postgresql_using="gin"),
        *(sparse_index(name) for name in ("module_id", "lesson_id", "last_reply_by", "best_answer_id", "deleted_by")),
    )


class ForumPost(Identified, Created, Base):
    """A reply to a thread, or to another reply."""

    __tablename__ = "forum_posts"
    __mapper_args__ = SEARCHED

    thread_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("forum_threads.id", ondelete="CASCADE"))
    parent_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("forum_posts.id", ondelete="CASCADE"))
    author_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id", ondelete="RESTRICT"), index=True)
    content: Mapped[str]
    is_anonymous: Mapped[Off]
    is_instructor_response: Mapped[Off]
    upvotes: Mapped[Count]
    downvotes: Mapped[Count]
    is_solution: Mapped[Off]
    edited_at: Mapped[dt.datetime | None]
    edited_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    deleted_at: Mapped[dt.datetime | None]
    deleted_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    deleted_reason: Mapped[str | None]

    __table_args__ = (
        Column("search", TSVECTOR, Computed(POST_SEARCH, persisted=True), nullable=False),
        *at_least(0, "upvotes", "downvotes"),
        Index(None, "thread_id", "created_at", "id"),
        Index("ix_forum_posts_search", "search", postgresql_using="gin"),
        *(sparse_index(name) for name in ("parent_id", "edited_by", "deleted_by")),
    )


class ForumVote(Identified, Created, Base):
    """One person's vote on a thread or a post."""

    __tablename__ = "forum_votes"

    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    votable_type: Mapped[str]
    votable_id: Mapped[uuid.UUID]
    vote_type: Mapped[str]

    __table_args__ = (
        one_of("votable_type", "thread", "post"),
        one_of("vote_type", "up", "down"),
        UniqueConstraint("user_id", "votable_type", "votable_id"),
        Index(None, "votable_type", "votable_id"),
    )


class ForumReport(Identified, Created, Base):
    """A complaint about a thread or a post, and what a moderator made of it."""

    __tablename__ = "forum_reports"

    reporter_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id", ondelete="RESTRICT"), index=True)
    content_type: Mapped[str]
    content_id: Mapped[uuid.UUID]
    reason: Mapped[str]
    description: Mapped[str | None]
    status: Mapped[str] = mapped_column(server_default="pending")
    reviewed_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    reviewed_at: Mapped[dt.datetime | None]
    action_taken: Mapped[str | None]
    moderator_notes: Mapped[str | None]

    __table_args__ = (
        one_of("content_type", "thread", "post"),
        one_of("status", "pending", "reviewed", "resolved", "dismissed"),
        Index(None, "status", "created_at"),
        Index(None, "content_type", "content_id"),
        sparse_index("reviewed_by"),
    )
