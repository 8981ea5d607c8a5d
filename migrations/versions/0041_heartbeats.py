"""What heartbeats are counted by, what students have seen of lessons, and where each goes on in a course.

Where lessons were started, their modules get the rows that time is added to.
"""

import sqlalchemy as sa
from alembic import op
from lms_migrations.columns import FALSE, MOMENT
from sqlalchemy.dialects import postgresql as pg

revision = "0041_heartbeats"
down_revision = "0040_payments"
branch_labels = None
depends_on = None

PROGRESS = ("position_at", "seen", "extent", "pace", "finished", "best_score")


def upgrade() -> None:
    op.add_column("enrollments", sa.Column("time_counted_until", MOMENT))
    op.add_column(
        "enrollments", sa.Column("continue_lesson_id", sa.Uuid, sa.ForeignKey("lessons.id", ondelete="SET NULL"))
    )
    op.create_index(
        "ix_enrollments_continue_lesson_id",
        "enrollments",
        ["continue_lesson_id"],
        postgresql_where=sa.text("continue_lesson_id IS NOT NULL"),
    )
    op.create_index(
        "ix_version_lessons_version_id_module_id_place", "version_lessons", ["version_id", "module_id", "place"]
    )
    nothing = sa.text("'{}'::int4multirange")
    for column in (
        sa.Column("position_at", MOMENT),
        sa.Column("seen", pg.INT4MULTIRANGE, nullable=False, server_default=nothing),
        sa.Column("extent", sa.Integer),
        sa.Column("pace", sa.REAL),
        sa.Column("finished", sa.Boolean, nullable=False, server_default=FALSE),
        sa.Column("best_score", sa.Numeric(5, 2)),
    ):
        op.add_column("lesson_progress", column)
    op.create_check_constraint("extent", "lesson_progress", "extent >= 0")
    op.create_check_constraint("best_score", "lesson_progress", "best_score BETWEEN 0 AND 100")
    op.execute(COUNT_PARTS)
    op.execute(MERGE_PARTS)
    op.execute(BEGUN_MODULES)


COUNT_PARTS = """
CREATE FUNCTION lms_parts(seen int4multirange, extent integer) RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT coalesce(sum(upper(part) - lower(part)), 0)::integer
    FROM unnest(seen * int4multirange(int4range(0, extent))) AS part
$$
"""

# What is seen here and there, piece by piece to the end, would make a row of megabytes.
MERGE_PARTS = """
CREATE FUNCTION lms_merge_parts(seen int4multirange, more int4multirange, most integer) RETURNS int4multirange
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN (SELECT count(*) FROM unnest(seen + more)) > most THEN seen ELSE seen + more END
$$
"""

BEGUN_MODULES = """
INSERT INTO module_progress (user_id, module_id, enrollment_id, lessons_total)
SELECT DISTINCT p.user_id, v.module_id, e.id, m.lessons_total
FROM lesson_progress p
JOIN enrollments e ON e.id = p.enrollment_id
JOIN courses c ON c.id = e.course_id
JOIN version_lessons v ON v.version_id = c.version_id AND v.lesson_id = p.lesson_id
JOIN version_modules m ON m.version_id = v.version_id AND m.module_id = v.module_id
WHERE p.started_at IS NOT NULL
ON CONFLICT (user_id, module_id) DO NOTHING
"""


def downgrade() -> None:
    op.execute("DROP FUNCTION lms_merge_parts")
    op.execute("DROP FUNCTION lms_parts")
    for column in reversed(PROGRESS):
        op.drop_column("lesson_progress", column)
    op.drop_index("ix_version_lessons_version_id_module_id_place", "version_lessons")
    op.drop_index("ix_enrollments_continue_lesson_id", "enrollments")
    op.drop_column("enrollments", "continue_lesson_id")
    op.drop_column("enrollments", "time_counted_until")
