"""Who may see how students can be reached; names put in order, and found, in a large roster."""

import sqlalchemy as sa
from alembic import op
from lms_migrations.permissions import Right, grant, revoke

revision = "0033_rosters"
down_revision = "0032_course_pictures"
branch_labels = None
depends_on = None

EVERYBODY = ("student", "instructor", "moderator", "admin")
TEACHERS = ("instructor", "admin")
RIGHTS = (
    Right(
        "rosters",
        "contact",
        "See how students can be reached",
        {"own": TEACHERS, "assigned": EVERYBODY, "all": ("admin",)},
    ),
)


def upgrade() -> None:
    op.create_index(
        "ix_users_last_name_first_name_id",
        "users",
        ["last_name", "first_name", "id"],
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_index(
        "ix_users_display_name_trgm",
        "users",
        ["display_name"],
        postgresql_using="gin",
        postgresql_ops={"display_name": "gin_trgm_ops"},
    )
    grant(RIGHTS)


def downgrade() -> None:
    revoke(RIGHTS)
    op.drop_index("ix_users_display_name_trgm", "users")
    op.drop_index("ix_users_last_name_first_name_id", "users")
