"""A voucher's code is its course's own, so that nobody learns from theirs which codes others have."""

from alembic import op

revision = "0048_vouchers_of_courses"
down_revision = "0047_annotations"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_constraint("uq_vouchers_code", "vouchers")
    op.create_unique_constraint(
        "uq_vouchers_code_course_id", "vouchers", ["code", "course_id"], postgresql_nulls_not_distinct=True
    )


def downgrade() -> None:
    op.drop_constraint("uq_vouchers_code_course_id", "vouchers")
    op.create_unique_constraint("uq_vouchers_code", "vouchers", ["code"])
