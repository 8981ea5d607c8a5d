"""Who comes back with a code after their time was over has used it again."""

from alembic import op

revision = "0056_code_uses"
down_revision = "0055_places"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_access_code_uses_code_id_user_id", "access_code_uses", ["code_id", "user_id"])
    op.drop_constraint("uq_access_code_uses_code_id_user_id", "access_code_uses")


def downgrade() -> None:
    op.execute(
        "DELETE FROM access_code_uses AS later USING access_code_uses AS first"
        " WHERE later.code_id = first.code_id AND later.user_id = first.user_id"
        " AND (later.used_at, later.id) > (first.used_at, first.id)"
    )
    op.create_unique_constraint(None, "access_code_uses", ["code_id", "user_id"])
    op.drop_index("ix_access_code_uses_code_id_user_id", "access_code_uses")
