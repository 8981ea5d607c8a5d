"""What gateways have told is found by its age, so that it can be forgotten."""

from alembic import op

revision = "0054_pruned_payment_events"
down_revision = "0053_offered_places"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_payment_events_created_at", "payment_events", ["created_at"])


def downgrade() -> None:
    op.drop_index("ix_payment_events_created_at", "payment_events")
