"""Access codes: unique within their course however they are written, revocable, and who has used which."""

import sqlalchemy as sa
from alembic import op
from lms_migrations.columns import MOMENT, NEW_ID, NOW
from lms_migrations.permissions import Right, grant, revoke

revision = "0043_access_codes"
down_revision = "0042_waiting_lists"
branch_labels = None
depends_on = None

EVERYBODY = ("student", "instructor", "moderator", "admin")
STAFF = {"own": ("instructor", "admin"), "assigned": EVERYBODY, "all": ("admin",)}

RIGHTS = (
    Right("access_codes", "create", "Give out codes that let people into a course", STAFF),
    Right("access_codes", "read", "See a course's access codes and who has used them", STAFF),
    Right("access_codes", "update", "Change and revoke access codes", STAFF),
)


def upgrade() -> None:
    key = sa.Computed(r"upper(regexp_replace(code, '[\s-]'::text, ''::text, 'g'::text))", persisted=True)
    op.add_column("access_codes", sa.Column("key", sa.Text, key, nullable=False))
    op.add_column("access_codes", sa.Column("revoked_at", MOMENT))
    op.drop_constraint("uq_access_codes_code", "access_codes", type_="unique")
    op.create_unique_constraint("uq_access_codes_course_id_key", "access_codes", ["course_id", "key"])
    op.drop_index("ix_access_codes_course_id", "access_codes")
    op.create_index("ix_access_codes_course_id_created_at_id", "access_codes", ["course_id", "created_at", "id"])
    op.create_table(
        "access_code_uses",
        sa.Column("id", sa.Uuid, primary_key=True, server_default=NEW_ID),
        sa.Column("code_id", sa.Uuid, sa.ForeignKey("access_codes.id", ondelete="CASCADE"), nullable=False),
        sa.Column("user_id", sa.Uuid, sa.ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
        sa.Column("used_at", MOMENT, nullable=False, server_default=NOW),
        sa.UniqueConstraint("code_id", "user_id"),
    )
    op.create_index("ix_access_code_uses_user_id", "access_code_uses", ["user_id"])
    op.create_index("ix_access_code_uses_code_id_used_at_id", "access_code_uses", ["code_id", "used_at", "id"])
    grant(RIGHTS)


def downgrade() -> None:
    revoke(RIGHTS)
    op.drop_table("access_code_uses")
    op.drop_index("ix_access_codes_course_id_created_at_id", "access_codes")
    op.create_index("ix_access_codes_course_id", "access_codes", ["course_id"])
    op.drop_constraint("uq_access_codes_course_id_key", "access_codes", type_="unique")
    # Codes were unique among all courses: of those that are not, the oldest stays.
    op.execute(
        "DELETE FROM access_codes AS later USING access_codes AS earlier WHERE later.code = earlier.code"
        " AND (later.created_at, later.id) > (earlier.created_at, earlier.id)"
    )
    op.create_unique_constraint("uq_access_codes_code", "access_codes", ["code"])
    op.drop_column("access_codes", "revoked_at")
    op.drop_column("access_codes", "key")
