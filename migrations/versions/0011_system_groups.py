"""The groups every installation begins with, and what each may do.

The scopes own, assigned and enrolled take hold only where they are true of a person: on the courses one owns, helps
to run or attends. So a student may have ``courses:update:assigned`` and is thereby able to be a teaching assistant,
and an administrator who attends a course is a student there.
"""

import sqlalchemy as sa
from alembic import op
from lms_migrations.permissions import Right, grant, revoke

revision = "0011_system_groups"
down_revision = "0010_partitions"
branch_labels = None
depends_on = None

# Name, shown as, what it is for, priority.
GROUPS = (
    ("super_admin", "Super administrator", "May do everything, groups and backups included.", 100),
    ("admin", "Administrator", "Runs the installation: people, courses, settings.", 80),
    ("moderator", "Moderator", "Keeps the forums of all courses in order.", 60),
    ("instructor", "Instructor", "Makes courses of their own and teaches them.", 40),
    ("student", "Student", "Attends courses.", 20),
)

EVERYBODY = ("student", "instructor", "moderator", "admin")
TEACHERS = ("instructor", "admin")
MODERATORS = ("moderator", "admin")
ADMINS = ("admin",)
NOBODY = ()  # Beyond super_admin, which has every permission.

STAFF = {"own": TEACHERS, "assigned": EVERYBODY, "all": ADMINS}
MEMBERS = {**STAFF, "enrolled": EVERYBODY}

RIGHTS = (
    Right("users", "read", "See accounts", {"own": EVERYBODY, "all": ADMINS}),
    Right("users", "update", "Change accounts", {"own": EVERYBODY, "all": ADMINS}),
    Right("users", "create", "Create accounts", {"all": ADMINS}),
    Right("users", "delete", "Delete accounts", {"all": ADMINS}),
    Right("sessions", "read", "See where one is logged in", {"own": EVERYBODY}),
    Right("sessions", "delete", "Log a device out", {"own": EVERYBODY}),
    Right("groups", "read", "See groups and their permissions", {"all": ADMINS}),
    Right("groups", "create", "Create groups", {"all": NOBODY}),
    Right("groups", "update", "Change groups, their permissions and members", {"all": NOBODY}),
    Right("groups", "delete", "Delete groups", {"all": NOBODY}),
    Right("files", "create", "Upload files", {"own": EVERYBODY}),
    Right("files", "read", "See uploaded files", {"own": EVERYBODY, "all": ADMINS}),
    Right("files", "delete", "Delete uploaded files", {"own": EVERYBODY, "all": ADMINS}),
    Right("courses", "create", "Create courses", {"own": TEACHERS}),
    Right("courses", "read", "See courses, unpublished ones included", MEMBERS),
    Right("courses", "update", "Change courses", STAFF),
    Right("courses", "publish", "Publish courses", {"own": TEACHERS, "all": ADMINS}),
    Right("courses", "delete", "Delete courses", {"own": TEACHERS, "all": ADMINS}),
    Right("courses", "import", "Import courses", {"own": TEACHERS, "all": ADMINS}),
    Right("modules", "create", "Add modules", STAFF),
    Right("modules", "read", "See modules", MEMBERS),
    Right("modules", "update", "Change modules", STAFF),
    Right("modules", "delete", "Delete modules", STAFF),
    Right("lessons", "create", "Add lessons", STAFF),
    Right("lessons", "read", "See lessons", MEMBERS),
    Right("lessons", "update", "Change lessons", STAFF),
    Right("lessons", "delete", "Delete lessons", STAFF),
    Right("lessons", "progress", "Start and complete lessons", {"enrolled": EVERYBODY}),
    Right("enrollments", "create", "Enroll oneself", {"own": EVERYBODY}),
    Right("enrollments", "read", "See one's own enrollments", {"own": EVERYBODY}),
    Right("enrollments", "update", "Leave a course", {"own": EVERYBODY}),
    Right("rosters", "read", "See who attends a course", STAFF),
    Right("rosters", "update", "Enroll, suspend and drop students", STAFF),
    Right("forum", "create", "Write threads and posts", {**MEMBERS, "all": MODERATORS}),
    Right("forum", "read", "Read threads and posts", {**MEMBERS, "all": MODERATORS}),
    Right("forum", "moderate", "Moderate threads and posts", {**STAFF, "all": MODERATORS}),
    Right("reports", "create", "Report threads and posts", {"enrolled": EVERYBODY}),
    Right("notifications", "read", "See one's notifications", {"own": EVERYBODY}),
    Right("notifications", "update", "Mark notifications, choose channels", {"own": EVERYBODY}),
    Right("analytics", "read", "See figures and reports", STAFF),
    Right("settings", "read", "See the system's settings", {"all": ADMINS}),
    Right("settings", "update", "Change the system's settings", {"all": ADMINS}),
    Right("audit", "read", "See the audit log", {"all": ADMINS}),
    Right("logs", "read", "See the system log", {"all": ADMINS}),
    Right("pipelines", "read", "See events, jobs and dead letters", {"all": ADMINS}),
    Right("pipelines", "update", "Replay and drop dead letters", {"all": ADMINS}),
    Right("backup", "create", "Back the system up", {"all": NOBODY}),
)


def upgrade() -> None:
    columns = ("name", "display_name", "description", "priority", "is_system")
    op.bulk_insert(
        sa.table("groups", *(sa.column(name) for name in columns)),
        [dict(zip(columns, (*group, True), strict=True)) for group in GROUPS],
    )
    grant(RIGHTS)


def downgrade() -> None:
    revoke(RIGHTS)
    op.execute("DELETE FROM groups WHERE is_system")
