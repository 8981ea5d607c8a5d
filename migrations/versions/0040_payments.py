"""Payments for courses, what is given back of them, what gateways tell, and vouchers."""

import sqlalchemy as sa
from alembic import op
from lms_migrations.columns import FALSE, MOMENT, NEW_ID, NOW, OBJECT, ZERO
from lms_migrations.permissions import Right, grant, revoke
from sqlalchemy.dialects import postgresql as pg

from lms_core.kernel.migrations import touch_trigger

revision = "0040_payments"
down_revision = "0039_certificates"
branch_labels = None
depends_on = None

EVERYBODY = ("student", "instructor", "moderator", "admin")
STAFF = {"own": ("instructor", "admin"), "assigned": EVERYBODY, "all": ("admin",)}

RIGHTS = (
    Right("payments", "create", "Pay for courses", {"own": EVERYBODY}),
    Right("payments", "read", "See one's own payments, and those of a course", {**STAFF, "own": EVERYBODY}),
    Right("payments", "update", "Record and refund payments, and make vouchers", STAFF),
)

MONEY = sa.Numeric(10, 2)
STATUSES = (
    "'pending', 'paid', 'partly_refunded', 'refunded', 'disputed', 'mismatched', 'failed', 'cancelled', 'expired'"
)


def upgrade() -> None:
    _vouchers()
    _payments()
    _refunds()
    _events()
    for table in ("payments", "payment_refunds"):
        op.execute(touch_trigger(table))
    grant(RIGHTS)


def _reference(column: str, table: str, ondelete: str = "SET NULL", nullable: bool = True) -> sa.Column[object]:
    return sa.Column(column, sa.Uuid(), sa.ForeignKey(f"{table}.id", ondelete=ondelete), nullable=nullable)


def _sparse(table: str, *columns: str) -> None:
    for column in columns:
        op.create_index(f"ix_{table}_{column}", table, [column], postgresql_where=sa.text(f"{column} IS NOT NULL"))


def _vouchers() -> None:
    op.create_table(
        "vouchers",
        sa.Column("id", sa.Uuid(), primary_key=True, server_default=NEW_ID),
        _reference("course_id", "courses", "CASCADE"),
        sa.Column("code", sa.Text(), nullable=False, unique=True),
        sa.Column("description", sa.Text()),
        sa.Column("percent", sa.Integer()),
        sa.Column("amount", MONEY),
        sa.Column("currency", sa.Text()),
        sa.Column("max_uses", sa.Integer()),
        sa.Column("used_count", sa.Integer(), nullable=False, server_default=ZERO),
        sa.Column("valid_from", MOMENT, nullable=False, server_default=NOW),
        sa.Column("valid_until", MOMENT),
        _reference("created_by", "users"),
        sa.Column("created_at", MOMENT, nullable=False, server_default=NOW),
        sa.CheckConstraint("percent BETWEEN 1 AND 100", name="percent"),
        sa.CheckConstraint("amount > 0", name="amount"),
        sa.CheckConstraint(
            "(percent IS NULL) <> (amount IS NULL) AND (amount IS NULL) = (currency IS NULL)", name="worth"
        ),
        sa.CheckConstraint("max_uses >= 1", name="max_uses"),
        sa.CheckConstraint("used_count >= 0", name="used_count"),
        sa.CheckConstraint("valid_until > valid_from", name="valid_until"),
    )
    op.create_index("ix_vouchers_course_id_created_at_id", "vouchers", ["course_id", "created_at", "id"])
    _sparse("vouchers", "created_by")


def _payments() -> None:
    op.create_table(
        "payments",
        sa.Column("id", sa.Uuid(), primary_key=True, server_default=NEW_ID),
        _reference("user_id", "users"),
        _reference("course_id", "courses"),
        _reference("enrollment_id", "enrollments"),
        _reference("voucher_id", "vouchers"),
        sa.Column("course_title", sa.Text(), nullable=False),
        sa.Column("price", MONEY, nullable=False),
        sa.Column("amount", MONEY, nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("refunded", MONEY, nullable=False, server_default=ZERO),
        sa.Column("status", sa.Text(), nullable=False, server_default="pending"),
        *(sa.Column(name, sa.Text()) for name in ("gateway", "reference", "charge", "checkout_url")),
        sa.Column("open_at_gateway", sa.Boolean(), nullable=False, server_default=FALSE),
        *(sa.Column(name, MOMENT) for name in ("checked_at", "place_until", "expires_at", "paid_at")),
        sa.Column("disputed_at", MOMENT),
        _reference("recorded_by", "users"),
        sa.Column("note", sa.Text()),
        sa.Column("created_at", MOMENT, nullable=False, server_default=NOW),
        sa.Column("updated_at", MOMENT, nullable=False, server_default=NOW),
        sa.CheckConstraint(f"status IN ({STATUSES})", name="status"),
        sa.CheckConstraint("amount >= 0", name="amount"),
        sa.CheckConstraint("price >= 0", name="price"),
        sa.CheckConstraint("refunded BETWEEN 0 AND amount", name="refunded"),
        sa.CheckConstraint("currency ~ '^[A-Z]{3}$'", name="currency"),
        sa.UniqueConstraint("gateway", "reference"),
    )
    pending, opened, charged = (
        sa.text(each) for each in ("status = 'pending'", "open_at_gateway", "charge IS NOT NULL")
    )
    op.create_index("uq_payments_pending", "payments", ["user_id", "course_id"], unique=True, postgresql_where=pending)
    for column in ("user_id", "course_id"):
        op.create_index(f"ix_payments_{column}_created_at_id", "payments", [column, "created_at", "id"])
    op.create_index("ix_payments_created_at_id", "payments", ["created_at", "id"])
    op.create_index("ix_payments_status_created_at_id", "payments", ["status", "created_at", "id"])
    op.create_index("ix_payments_places", "payments", ["course_id", "place_until"], postgresql_where=pending)
    op.create_index("ix_payments_due", "payments", ["expires_at"], postgresql_where=pending)
    op.create_index("ix_payments_open", "payments", ["checked_at"], postgresql_where=opened)
    op.create_index("ix_payments_charge", "payments", ["gateway", "charge"], postgresql_where=charged)
    _sparse("payments", "enrollment_id", "voucher_id", "recorded_by")


def _refunds() -> None:
    op.create_table(
        "payment_refunds",
        sa.Column("id", sa.Uuid(), primary_key=True, server_default=NEW_ID),
        _reference("payment_id", "payments", "CASCADE", nullable=False),
        sa.Column("amount", MONEY),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False, server_default="requested"),
        sa.Column("reference", sa.Text()),
        sa.Column("attempts", sa.Integer(), nullable=False, server_default=ZERO),
        sa.Column("next_at", MOMENT, nullable=False, server_default=NOW),
        _reference("requested_by", "users"),
        sa.Column("created_at", MOMENT, nullable=False, server_default=NOW),
        sa.Column("updated_at", MOMENT, nullable=False, server_default=NOW),
        sa.CheckConstraint("status IN ('requested', 'done', 'failed')", name="status"),
        sa.CheckConstraint("amount > 0", name="amount"),
    )
    op.create_index("ix_payment_refunds_payment_id", "payment_refunds", ["payment_id"])
    due = sa.text("status = 'requested'")
    op.create_index("ix_payment_refunds_due", "payment_refunds", ["next_at"], postgresql_where=due)
    _sparse("payment_refunds", "requested_by")


def _events() -> None:
    op.create_table(
        "payment_events",
        sa.Column("id", sa.Uuid(), primary_key=True, server_default=NEW_ID),
        sa.Column("gateway", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        _reference("payment_id", "payments"),
        sa.Column("outcome", sa.Text()),
        sa.Column("details", pg.JSONB(), nullable=False, server_default=OBJECT),
        sa.Column("created_at", MOMENT, nullable=False, server_default=NOW),
        sa.UniqueConstraint("gateway", "event_id"),
    )
    _sparse("payment_events", "payment_id")


def downgrade() -> None:
    revoke(RIGHTS)
    for table in ("payment_events", "payment_refunds", "payments", "vouchers"):
        op.drop_table(table)
