"""Certificates: their signatures and PDFs, how long they are valid, and who may issue and revoke them."""

import sqlalchemy as sa
from alembic import op
from lms_migrations.permissions import Right, grant, revoke
from sqlalchemy.dialects import postgresql as pg

revision = "0039_certificates"
down_revision = "0038_accommodations"
branch_labels = None
depends_on = None

EVERYBODY = ("student", "instructor", "moderator", "admin")
TEACHERS = ("instructor", "admin")
ADMINS = ("admin",)
STAFF = {"own": TEACHERS, "assigned": EVERYBODY, "all": ADMINS}

RIGHTS = (
    Right(
        "certificates",
        "read",
        "See one's own certificates, and those of one's courses",
        {"own": EVERYBODY, "assigned": EVERYBODY, "all": ADMINS},
    ),
    Right("certificates", "create", "Issue certificates, and issue them anew", STAFF),
    Right("certificates", "revoke", "Revoke certificates", STAFF),
)
SEALED = "signature, key_name, credential, storage_provider, storage_path, file_size, checksum"
COLUMNS = (
    "user_id", "course_id", "replaced_by", "status_index", "signature", "key_name", "credential", "storage_provider",
    "storage_path", "file_size", "checksum",
)  # fmt: skip


def upgrade() -> None:
    op.add_column("courses", sa.Column("certificate_months", sa.Integer))
    op.create_check_constraint("certificate_months", "courses", "certificate_months >= 1")
    add_columns()
    add_constraints()
    grant(RIGHTS)


def add_columns() -> None:
    def reference(column: str, target: str, ondelete: str = "CASCADE") -> None:
        key = sa.ForeignKey(f"{target}.id", ondelete=ondelete, name=f"fk_certificates_{column}")
        op.add_column("certificates", sa.Column(column, sa.Uuid, key))

    reference("user_id", "users")
    reference("course_id", "courses")
    op.execute(
        "UPDATE certificates SET user_id = enrollments.user_id, course_id = enrollments.course_id"
        " FROM enrollments WHERE enrollments.id = certificates.enrollment_id"
    )
    for column in ("user_id", "course_id"):
        op.alter_column("certificates", column, nullable=False)
    reference("replaced_by", "certificates", "SET NULL")
    op.add_column("certificates", sa.Column("status_index", sa.BigInteger, sa.Identity(), nullable=False))
    for name in ("signature", "key_name", "storage_provider", "storage_path", "checksum"):
        op.add_column("certificates", sa.Column(name, sa.Text))
    op.add_column("certificates", sa.Column("credential", pg.JSONB))
    op.add_column("certificates", sa.Column("file_size", sa.BigInteger))


def add_constraints() -> None:
    op.create_unique_constraint("uq_certificates_status_index", "certificates", ["status_index"])
    for name, condition in (
        ("replaced_by", "replaced_by IS NULL OR revoked_at IS NOT NULL"),
        ("sealed", f"num_nonnulls({SEALED}) IN (0, 7)"),
        ("checksum", "checksum ~ '^[0-9a-f]{64}$'"),
        ("file_size", "file_size >= 1"),
    ):
        op.create_check_constraint(name, "certificates", condition)
    current, revoked = sa.text("revoked_at IS NULL"), sa.text("revoked_at IS NOT NULL")
    op.create_index("uq_certificates_current", "certificates", ["enrollment_id"], unique=True, postgresql_where=current)
    op.create_index("ix_certificates_revoked", "certificates", ["status_index"], postgresql_where=revoked)
    for columns in (["user_id", "issued_at", "id"], ["course_id", "issued_at", "id"],
                    ["storage_provider", "storage_path"]):  # fmt: skip
        op.create_index(f"ix_certificates_{'_'.join(columns)}", "certificates", columns)
    for column in ("checksum", "replaced_by"):
        filled = sa.text(f"{column} IS NOT NULL")
        op.create_index(f"ix_certificates_{column}", "certificates", [column], postgresql_where=filled)


def downgrade() -> None:
    revoke(RIGHTS)
    for index in ("uq_certificates_current", "ix_certificates_revoked"):
        op.drop_index(index, "certificates")
    op.drop_constraint("ck_certificates_sealed", "certificates")
    op.drop_constraint("ck_certificates_replaced_by", "certificates")
    for column in COLUMNS:
        op.drop_column("certificates", column)
    op.drop_constraint("ck_courses_certificate_months", "courses")
    op.drop_column("courses", "certificate_months")
