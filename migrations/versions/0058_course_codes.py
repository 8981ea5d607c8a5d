"""Codes of courses are unique whatever their capitals: C-1 and c-1 are one.

Where both are there, the one that is published keeps its code, else the older one; any other is numbered, as a copy of
a course is, and stays named by those that presuppose it.
"""

import sqlalchemy as sa
from alembic import op

revision = "0058_course_codes"
down_revision = "0057_forgotten_annotations"
branch_labels = None
depends_on = None

LIVING = sa.text("deleted_at IS NULL")

SECOND = sa.text(
    """
    SELECT id, code FROM (
        SELECT id, code, created_at,
               row_number() OVER (PARTITION BY lower(code) ORDER BY is_published DESC, created_at, id) AS place
        FROM courses WHERE deleted_at IS NULL
    ) AS living
    WHERE place > 1 ORDER BY created_at, id
    """
)
TAKEN = sa.text("SELECT EXISTS (SELECT FROM courses WHERE lower(code) = lower(:code))")
RENAME = sa.text("UPDATE courses SET code = :code WHERE id = :id")
FOLLOW = sa.text(
    "UPDATE courses SET prerequisites = array_replace(prerequisites, :before, :code)"
    " WHERE :before = ANY (prerequisites)"
)
LONGEST = 44
"""Characters of a code, so that with its number it has no more than 50."""


def upgrade() -> None:
    db = op.get_bind()
    op.drop_index("uq_courses_code", "courses")
    for course in db.execute(SECOND).all():
        number = 2
        while db.scalar(TAKEN, {"code": f"{course.code[:LONGEST]}-{number}"}):
            number += 1
        code = f"{course.code[:LONGEST]}-{number}"
        db.execute(RENAME, {"id": course.id, "code": code})
        db.execute(FOLLOW, {"before": course.code, "code": code})
    op.create_index("uq_courses_code", "courses", [sa.text("lower(code)")], unique=True, postgresql_where=LIVING)


def downgrade() -> None:
    op.drop_index("uq_courses_code", "courses")
    op.create_index("uq_courses_code", "courses", ["code"], unique=True, postgresql_where=LIVING)
