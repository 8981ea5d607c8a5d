"""What the database keeps by itself: times of change, counters, the append-only audit log, the outbox's signal."""

from alembic import op

from lms_core.kernel.migrations import touch_trigger

revision = "0009_triggers"
down_revision = "0008_analytics_and_archives"
branch_labels = None
depends_on = None

TOUCHED = (
    "announcements",
    "course_ratings",
    "courses",
    "forum_threads",
    "groups",
    "lessons",
    "modules",
    "notification_preferences",
    "question_bank",
    "quiz_questions",
    "quizzes",
    "student_answers",
    "system_settings",
    "users",
)

# The clock, and not the transaction's begin: two changes in one transaction are two states of the row.
TOUCH = """
CREATE FUNCTION lms_touch_updated_at() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.updated_at := clock_timestamp();
    RETURN NEW;
END $$
"""

# Counters are advanced by the difference that a statement makes, never counted anew. The statement's rows come as one
# table, so that a bulk load updates each course once; the courses are locked in the order of their ids, so that two
# loads of the same courses wait for each other instead of dead-locking.
COUNT_ENROLLMENTS = """
CREATE FUNCTION lms_count_enrollments() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    sign integer := CASE TG_OP WHEN 'INSERT' THEN 1 ELSE -1 END;
BEGIN
    PERFORM 1 FROM courses WHERE id IN (SELECT course_id FROM changed) ORDER BY id FOR NO KEY UPDATE;
    UPDATE courses
    SET enrolled_count = enrolled_count + sign * difference.enrolled,
        completed_count = completed_count + sign * difference.completed
    FROM (
        SELECT course_id,
               count(*) FILTER (WHERE status NOT IN ('dropped', 'expired')) AS enrolled,
               count(*) FILTER (WHERE status = 'completed') AS completed
        FROM changed GROUP BY course_id
    ) AS difference
    WHERE courses.id = difference.course_id AND difference.enrolled > 0;
    RETURN NULL;
END $$
"""

# An update goes row by row, because only a trigger without a transition table can be tied to columns: the writes of
# progress, by far the most, must not pay for it.
RECOUNT_ENROLLMENT = """
CREATE FUNCTION lms_recount_enrollment() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE courses
    SET enrolled_count = enrolled_count + difference.enrolled,
        completed_count = completed_count + difference.completed
    FROM (
        SELECT course_id, sum(enrolled) AS enrolled, sum(completed) AS completed
        FROM (VALUES
            (OLD.course_id, -(OLD.status NOT IN ('dropped', 'expired'))::integer, -(OLD.status = 'completed')::integer),
            (NEW.course_id, (NEW.status NOT IN ('dropped', 'expired'))::integer, (NEW.status = 'completed')::integer)
        ) AS change (course_id, enrolled, completed)
        GROUP BY course_id
    ) AS difference
    WHERE courses.id = difference.course_id AND (difference.enrolled <> 0 OR difference.completed <> 0);
    RETURN NULL;
END $$
"""

COUNT_RATINGS = """
CREATE FUNCTION lms_count_ratings() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    sign integer := CASE TG_OP WHEN 'INSERT' THEN 1 ELSE -1 END;
BEGIN
    PERFORM 1 FROM courses WHERE id IN (SELECT course_id FROM changed) ORDER BY id FOR NO KEY UPDATE;
    UPDATE courses
    SET rating_sum = rating_sum + sign * difference.stars,
        rating_count = rating_count + sign * difference.ratings
    FROM (
        SELECT course_id, sum(rating) AS stars, count(*) AS ratings FROM changed GROUP BY course_id
    ) AS difference
    WHERE courses.id = difference.course_id;
    RETURN NULL;
END $$
"""

RECOUNT_RATING = """
CREATE FUNCTION lms_recount_rating() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE courses
    SET rating_sum = rating_sum + difference.stars,
        rating_count = rating_count + difference.ratings
    FROM (
        SELECT course_id, sum(stars) AS stars, sum(ratings) AS ratings
        FROM (VALUES (OLD.course_id, -OLD.rating, -1), (NEW.course_id, NEW.rating, 1))
            AS change (course_id, stars, ratings)
        GROUP BY course_id
    ) AS difference
    WHERE courses.id = difference.course_id;
    RETURN NULL;
END $$
"""

# By statement, so that it is refused even where no row matches.
REFUSE_CHANGE = """
CREATE FUNCTION lms_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% refuses %: it is append-only', TG_TABLE_NAME, TG_OP USING ERRCODE = 'restrict_violation';
END $$
"""

# In place of foreign keys, which would lock a user and a course for every event and every request that is logged.
FORGET_USER = """
CREATE FUNCTION lms_forget_user() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM analytics_events WHERE user_id = OLD.id;
    UPDATE system_logs SET user_id = NULL WHERE user_id = OLD.id;
    RETURN NULL;
END $$
"""

FORGET_COURSE = """
CREATE FUNCTION lms_forget_course() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM analytics_events WHERE course_id = OLD.id;
    RETURN NULL;
END $$
"""

NOTIFY_OUTBOX = """
CREATE FUNCTION lms_notify_outbox() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('lms_outbox', '');
    RETURN NULL;
END $$
"""

FUNCTIONS = (
    TOUCH,
    COUNT_ENROLLMENTS,
    RECOUNT_ENROLLMENT,
    COUNT_RATINGS,
    RECOUNT_RATING,
    REFUSE_CHANGE,
    FORGET_USER,
    FORGET_COURSE,
    NOTIFY_OUTBOX,
)

TRIGGERS = (
    """
    CREATE TRIGGER count_added AFTER INSERT ON enrollments
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION lms_count_enrollments()
    """,
    """
    CREATE TRIGGER count_removed AFTER DELETE ON enrollments
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION lms_count_enrollments()
    """,
    """
    CREATE TRIGGER count_changed AFTER UPDATE OF status, course_id ON enrollments
    FOR EACH ROW WHEN (OLD.status <> NEW.status OR OLD.course_id <> NEW.course_id)
    EXECUTE FUNCTION lms_recount_enrollment()
    """,
    """
    CREATE TRIGGER count_added AFTER INSERT ON course_ratings
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION lms_count_ratings()
    """,
    """
    CREATE TRIGGER count_removed AFTER DELETE ON course_ratings
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION lms_count_ratings()
    """,
    """
    CREATE TRIGGER count_changed AFTER UPDATE OF rating, course_id ON course_ratings
    FOR EACH ROW WHEN (OLD.rating <> NEW.rating OR OLD.course_id <> NEW.course_id)
    EXECUTE FUNCTION lms_recount_rating()
    """,
    """
    CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_logs
    FOR EACH STATEMENT EXECUTE FUNCTION lms_refuse_change()
    """,
    "CREATE TRIGGER forget AFTER DELETE ON users FOR EACH ROW EXECUTE FUNCTION lms_forget_user()",
    "CREATE TRIGGER forget AFTER DELETE ON courses FOR EACH ROW EXECUTE FUNCTION lms_forget_course()",
    "CREATE TRIGGER notify AFTER INSERT ON outbox FOR EACH STATEMENT EXECUTE FUNCTION lms_notify_outbox()",
)


def upgrade() -> None:
    for function in FUNCTIONS:
        op.execute(function)
    for trigger in TRIGGERS:
        op.execute(trigger)
    for table in TOUCHED:
        op.execute(touch_trigger(table))


def downgrade() -> None:
    for function in (
        "lms_touch_updated_at",
        "lms_count_enrollments",
        "lms_recount_enrollment",
        "lms_count_ratings",
        "lms_recount_rating",
        "lms_refuse_change",
        "lms_forget_user",
        "lms_forget_course",
        "lms_notify_outbox",
    ):
        op.execute(f"DROP FUNCTION {function}() CASCADE")  # With the triggers that call it.
