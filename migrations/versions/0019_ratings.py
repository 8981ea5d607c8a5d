"""Ratings: who may write, read, judge and answer them, and the votes on each."""

import sqlalchemy as sa
from alembic import op
from lms_migrations.columns import FALSE, MOMENT, NEW_ID, NOW, TRUE
from lms_migrations.permissions import Right, grant, revoke

revision = "0019_ratings"
down_revision = "0018_file_claims"
branch_labels = None
depends_on = None

EVERYBODY = ("student", "instructor", "moderator", "admin")
TEACHERS = ("instructor", "admin")
MODERATORS = ("moderator", "admin")

RIGHTS = (
    Right("ratings", "create", "Rate courses that one takes or took", {"enrolled": EVERYBODY}),
    Right(
        "ratings",
        "read",
        "Read ratings, those of unpublished courses included",
        {"own": TEACHERS, "assigned": EVERYBODY, "enrolled": EVERYBODY, "all": MODERATORS},
    ),
    Right("ratings", "update", "Change one's own ratings", {"own": EVERYBODY}),
    Right("ratings", "delete", "Delete ratings", {"own": EVERYBODY, "all": MODERATORS}),
    Right("ratings", "vote", "Say whether a review helped", {"own": EVERYBODY}),
    Right("ratings", "respond", "Answer reviews", {"own": TEACHERS, "assigned": EVERYBODY, "all": ("admin",)}),
)

# By the difference that a statement makes, the ratings locked in the order of their ids: an account that goes takes
# its votes on many ratings with it.
COUNT_VOTES = """
CREATE FUNCTION lms_count_rating_votes() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    sign integer := CASE TG_OP WHEN 'INSERT' THEN 1 ELSE -1 END;
BEGIN
    PERFORM 1 FROM course_ratings WHERE id IN (SELECT rating_id FROM changed) ORDER BY id FOR NO KEY UPDATE;
    UPDATE course_ratings
    SET helpful_count = helpful_count + sign * difference.helpful,
        unhelpful_count = unhelpful_count + sign * difference.unhelpful
    FROM (
        SELECT rating_id,
               count(*) FILTER (WHERE is_helpful) AS helpful,
               count(*) FILTER (WHERE NOT is_helpful) AS unhelpful
        FROM changed GROUP BY rating_id
    ) AS difference
    WHERE course_ratings.id = difference.rating_id;
    RETURN NULL;
END $$
"""

RECOUNT_VOTE = """
CREATE FUNCTION lms_recount_rating_vote() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    change integer := CASE WHEN NEW.is_helpful THEN 1 ELSE -1 END;
BEGIN
    UPDATE course_ratings
    SET helpful_count = helpful_count + change, unhelpful_count = unhelpful_count - change
    WHERE id = NEW.rating_id;
    RETURN NULL;
END $$
"""

# Who changes stars locks the rating, then its course. An account that goes changes many of both, by cascades that go
# table by table; it takes the same order, or two that go at once would wait for each other.
LOCK_RATED = """
CREATE FUNCTION lms_lock_rated() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 FROM course_ratings
    WHERE id IN (
        SELECT id FROM course_ratings WHERE user_id = OLD.id
        UNION SELECT rating_id FROM rating_votes WHERE user_id = OLD.id
    ) ORDER BY id FOR UPDATE;
    PERFORM 1 FROM courses
    WHERE id IN (
        SELECT course_id FROM course_ratings WHERE user_id = OLD.id
        UNION SELECT course_id FROM enrollments WHERE user_id = OLD.id
    ) ORDER BY id FOR NO KEY UPDATE;
    RETURN OLD;
END $$
"""

TRIGGERS = (
    """
    CREATE TRIGGER count_added AFTER INSERT ON rating_votes
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION lms_count_rating_votes()
    """,
    """
    CREATE TRIGGER count_removed AFTER DELETE ON rating_votes
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION lms_count_rating_votes()
    """,
    """
    CREATE TRIGGER count_changed AFTER UPDATE OF is_helpful ON rating_votes
    FOR EACH ROW WHEN (OLD.is_helpful <> NEW.is_helpful) EXECUTE FUNCTION lms_recount_rating_vote()
    """,
    "CREATE TRIGGER lock_rated BEFORE DELETE ON users FOR EACH ROW EXECUTE FUNCTION lms_lock_rated()",
)

INDEXES = (["course_id", "created_at", "id"], ["course_id", "rating", "created_at", "id"],
           ["course_id", "helpful_count", "created_at", "id"])  # fmt: skip


def upgrade() -> None:
    op.create_table(
        "rating_votes",
        sa.Column("id", sa.Uuid, primary_key=True, server_default=NEW_ID),
        sa.Column("rating_id", sa.Uuid, sa.ForeignKey("course_ratings.id", ondelete="CASCADE"), nullable=False),
        sa.Column("user_id", sa.Uuid, sa.ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
        sa.Column("is_helpful", sa.Boolean, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False, server_default=NOW),
        sa.UniqueConstraint("rating_id", "user_id"),
    )
    op.create_index("ix_rating_votes_user_id", "rating_votes", ["user_id"])
    op.drop_index("ix_course_ratings_course_id_rating", "course_ratings")
    for columns in INDEXES:
        op.create_index(f"ix_course_ratings_{'_'.join(columns)}", "course_ratings", columns)
    op.alter_column("course_ratings", "is_verified_purchase", server_default=FALSE)
    op.execute("UPDATE course_ratings SET is_verified_purchase = false WHERE is_verified_purchase")
    for function in (COUNT_VOTES, RECOUNT_VOTE, LOCK_RATED):
        op.execute(function)
    for trigger in TRIGGERS:
        op.execute(trigger)
    grant(RIGHTS)


def downgrade() -> None:
    revoke(RIGHTS)
    op.execute("DROP TRIGGER lock_rated ON users")
    op.execute("DROP FUNCTION lms_lock_rated()")
    op.alter_column("course_ratings", "is_verified_purchase", server_default=TRUE)
    for columns in INDEXES:
        op.drop_index(f"ix_course_ratings_{'_'.join(columns)}", "course_ratings")
    op.create_index("ix_course_ratings_course_id_rating", "course_ratings", ["course_id", "rating"])
    op.drop_table("rating_votes")
    op.execute("DROP FUNCTION lms_count_rating_votes()")
    op.execute("DROP FUNCTION lms_recount_rating_vote()")
