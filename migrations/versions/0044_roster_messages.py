"""The permission to write to many students of a course at once."""

from lms_migrations.permissions import Right, grant, revoke

revision = "0044_roster_messages"
down_revision = "0043_access_codes"
branch_labels = None
depends_on = None

EVERYBODY = ("student", "instructor", "moderator", "admin")
RIGHTS = (
    Right(
        "rosters", "message", "Write to many students of a course at once",
        {"own": ("instructor", "admin"), "assigned": EVERYBODY, "all": ("admin",)},
    ),
)  # fmt: skip


def upgrade() -> None:
    grant(RIGHTS)


def downgrade() -> None:
    revoke(RIGHTS)
