"""Say of each file what a scanner found, and when to try again what is still to be scanned."""

import sqlalchemy as sa
from alembic import op

revision = "0020_file_scans"
down_revision = "0019_ratings"
branch_labels = None
depends_on = None

FILES, RESULT = "file_uploads", "virus_scan_result"
RESULTS = "virus_scan_result IN ('pending', 'clean', 'infected', 'failed', 'skipped')"


def upgrade() -> None:
    op.add_column(FILES, sa.Column("scan_due_at", sa.DateTime(timezone=True)))
    op.create_index(
        "ix_file_uploads_scan_due_at", FILES, ["scan_due_at"], postgresql_where=sa.text("scan_due_at IS NOT NULL")
    )
    op.execute("UPDATE file_uploads SET virus_scan_result = 'skipped' WHERE virus_scan_result IS NULL")
    op.alter_column(FILES, RESULT, nullable=False, server_default="pending")
    op.create_check_constraint(op.f("ck_file_uploads_virus_scan_result"), FILES, RESULTS)


def downgrade() -> None:
    op.drop_constraint(op.f("ck_file_uploads_virus_scan_result"), FILES)
    op.alter_column(FILES, RESULT, nullable=True, server_default=None)
    op.drop_index("ix_file_uploads_scan_due_at", FILES)
    op.drop_column(FILES, "scan_due_at")
