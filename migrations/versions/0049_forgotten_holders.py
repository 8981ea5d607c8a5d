"""Certificates keep neither PDF nor credential once their holder's account is gone."""

from alembic import op

revision = "0049_forgotten_holders"
down_revision = "0048_vouchers_of_courses"
branch_labels = None
depends_on = None

BEFORE = "num_nonnulls(signature, key_name, credential, storage_provider, storage_path, file_size, checksum) IN (0, 7)"


def upgrade() -> None:
    op.drop_constraint("ck_certificates_sealed", "certificates")
    op.create_check_constraint(
        "sealed", "certificates", "num_nonnulls(signature, key_name, file_size, checksum) IN (0, 4)"
    )
    op.create_check_constraint(
        "kept", "certificates",
        "num_nonnulls(credential, storage_provider, storage_path) IN (0, CASE WHEN checksum IS NULL THEN 0 ELSE 3 END)",
    )  # fmt: skip


def downgrade() -> None:
    op.drop_constraint("ck_certificates_kept", "certificates")
    op.drop_constraint("ck_certificates_sealed", "certificates")
    # What was forgotten does not come back: of those that have no PDF any more nothing is left that would verify.
    op.execute(
        "UPDATE certificates SET signature = NULL, key_name = NULL, file_size = NULL, checksum = NULL"
        " WHERE storage_path IS NULL"
    )
    op.create_check_constraint("sealed", "certificates", BEFORE)
