"""Who may see and choose a course's staff; and publishing, which an owner can now share with them."""

from lms_migrations.permissions import Right, grant, revoke

revision = "0013_course_staff"
down_revision = "0012_two_factor_step"
branch_labels = None
depends_on = None

EVERYBODY = ("student", "instructor", "moderator", "admin")
TEACHERS = ("instructor", "admin")

RIGHTS = (
    Right("staff", "read", "See a course's staff", {"own": TEACHERS, "assigned": EVERYBODY, "all": ("admin",)}),
    Right("staff", "update", "Choose a course's staff", {"own": TEACHERS, "assigned": EVERYBODY, "all": ("admin",)}),
    Right("courses", "publish", "Publish courses", {"assigned": EVERYBODY}),
)


def upgrade() -> None:
    grant(RIGHTS)


def downgrade() -> None:
    revoke(RIGHTS)
