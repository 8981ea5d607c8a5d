"""How Alembic runs the revisions: on the connection that ``lms_core.kernel.migrations`` hands over."""

from typing import Any

from alembic import context
from sqlalchemy import Connection, text

import lms_core.accounts.models
import lms_core.administration.models
import lms_core.analytics.models
import lms_core.assessment.models
import lms_core.certificates.models
import lms_core.courses.exchange.models
import lms_core.courses.models
import lms_core.enrollment.models
import lms_core.enrollment.payments.models
import lms_core.files.models
import lms_core.forum.models
import lms_core.kernel.models
import lms_core.learning.models
import lms_core.notifications.models  # noqa: F401  # Each import hangs the tables of a domain on the metadata.
from lms_core.kernel.db import Base


def migrate(connection: Connection) -> None:
    """Run what was asked for, one transaction per revision."""
    partitions = set(connection.scalars(text("SELECT relname FROM pg_class WHERE relispartition AND relkind = 'r'")))
    connection.rollback()

    def is_ours(name: str | None, kind: str, _parents: Any) -> bool:
        """A partition is made by a function as months go by; no model speaks of it."""
        return kind != "table" or name not in partitions

    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        include_name=is_ours,
        compare_server_default=True,
        transaction_per_migration=True,
        autogenerate_plugins=["alembic.autogenerate.*", "alembic.ext.checkconstraint_byname"],
    )
    with context.begin_transaction():
        context.run_migrations()


migrate(context.config.attributes["connection"])
