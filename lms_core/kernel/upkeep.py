"""What the kernel's own tables need from time to time."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from sqlalchemy import text

if TYPE_CHECKING:
    from pyramid.config import Configurator

    from lms_core.kernel.tasks import TaskContext

MONTHS_AHEAD = 3
KEEP_SETTINGS: Mapping[str, str] = MappingProxyType(
    {"system_logs": "lms.log.keep_months", "analytics_events": "lms.analytics.keep_months"}
)
"""Partitioned tables of which old months go, by the setting that says how many stay; of others, all stay."""


def keep_partitions(context: "TaskContext") -> None:
    """Make the coming months' partitions and drop those out of retention, each table in a transaction of its own."""
    # With it comes Alembic, which no process needs to load at its start.
    from lms_core.kernel.migrations import drop_partitions, make_partitions, partitioned_tables

    settings = context.core.settings
    with context.core.reader() as db:
        tables = partitioned_tables(db)
    for table in tables:
        with context.core.transaction() as session:
            make_partitions(session.connection(), table, MONTHS_AHEAD)
            if table in KEEP_SETTINGS:
                drop_partitions(session.connection(), table, settings.integer(KEEP_SETTINGS[table]))


def prune_idempotency_keys(context: "TaskContext") -> None:
    """Forget the answers that are older than ``lms.idempotency.keep``."""
    keep = context.core.settings.seconds("lms.idempotency.keep")
    with context.core.transaction() as db:
        db.execute(
            text("DELETE FROM idempotency_keys WHERE created_at < now() - make_interval(secs => :keep)"), {"keep": keep}
        )


def includeme(config: "Configurator") -> None:
    config.add_periodic_task("partitions.keep", keep_partitions, every=86_400)
    config.add_periodic_task("idempotency.prune", prune_idempotency_keys, every=3_600)
