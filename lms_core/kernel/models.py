"""The kernel's own tables: the outbox and its ledger, idempotency keys, settings, and logs.

None of them refers to a domain's table: the kernel knows no domain, and a log outlives what it speaks of.
"""

import datetime as dt
import uuid
from typing import Any

from sqlalchemy import (
    BigInteger,
    FetchedValue,
    Identity,
    Index,
    LargeBinary,
    PrimaryKeyConstraint,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import INET, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from lms_core.kernel.columns import Count, Document, at_least
from lms_core.kernel.db import Base, Created, Identified


class Outbox(Base):
    """An event published in the transaction that caused it, until every subscriber has it.

    ``lease_until`` says until when a relay has taken it on; ``finished_at`` that nobody is left to be told.
    """

    __tablename__ = "outbox"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    event_id: Mapped[uuid.UUID] = mapped_column(unique=True, server_default=func.gen_random_uuid())
    name: Mapped[str]
    payload: Mapped[Document]
    request_id: Mapped[str | None]
    actor_id: Mapped[uuid.UUID | None]
    occurred_at: Mapped[dt.datetime] = mapped_column(server_default=func.now())
    lease_until: Mapped[dt.datetime | None]
    finished_at: Mapped[dt.datetime | None]

    __table_args__ = (
        # Those that nobody took on yet, and those whose lease may have run out; each is claimed in its order.
        Index("ix_outbox_fresh", "id", postgresql_where=text("finished_at IS NULL AND lease_until IS NULL")),
        Index(
            "ix_outbox_leased",
            "lease_until",
            "id",
            postgresql_where=text("finished_at IS NULL AND lease_until IS NOT NULL"),
        ),
        Index("ix_outbox_finished_at", "finished_at", postgresql_where=text("finished_at IS NOT NULL")),
    )


class EventLedger(Base):
    """That a subscriber is done with an event; written in the same transaction as its effect."""

    __tablename__ = "event_ledger"

    event_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    subscriber: Mapped[str] = mapped_column(primary_key=True)
    finished_at: Mapped[dt.datetime] = mapped_column(server_default=func.now())

    __table_args__ = (Index(None, "finished_at"),)


class DeliveryFailure(Base):
    """How often a delivery has failed so far, and when it is tried again."""

    __tablename__ = "delivery_failures"

    event_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    subscriber: Mapped[str] = mapped_column(primary_key=True)
    attempts: Mapped[Count]
    last_error: Mapped[str]
    retry_at: Mapped[dt.datetime]

    __table_args__ = (*at_least(0, "attempts"), Index(None, "retry_at"))


class DeadLetter(Identified, Base):
    """A delivery that kept failing, for an operator to read, replay or drop."""

    __tablename__ = "dead_letters"

    event_id: Mapped[uuid.UUID]
    subscriber: Mapped[str]
    name: Mapped[str]
    payload: Mapped[Document]
    attempts: Mapped[Count]
    error: Mapped[str]
    occurred_at: Mapped[dt.datetime]
    died_at: Mapped[dt.datetime] = mapped_column(server_default=func.now())
    replayed_at: Mapped[dt.datetime | None]

    __table_args__ = (
        *at_least(0, "attempts"),
        UniqueConstraint("event_id", "subscriber"),
        Index(None, "died_at", "id"),
    )


class IdempotencyKey(Identified, Created, Base):
    """The answer once given to a request, to be given again; ``status`` is null while it is being worked out.

    ``scope`` is the user's id or ``anonymous``; ``fingerprint`` is an HMAC of the request.
    """

    __tablename__ = "idempotency_keys"

    scope: Mapped[str]
    key: Mapped[str]
    method: Mapped[str]
    path: Mapped[str]
    fingerprint: Mapped[str]
    status: Mapped[int | None]
    headers: Mapped[Document]
    body: Mapped[bytes | None] = mapped_column(LargeBinary)

    __table_args__ = (UniqueConstraint("scope", "key"), Index(None, "created_at"))


class SystemSetting(Base):
    """A setting that administrators change while the system runs."""

    __tablename__ = "system_settings"

    name: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[Any] = mapped_column(JSONB)
    updated_at: Mapped[dt.datetime] = mapped_column(server_default=func.now(), server_onupdate=FetchedValue())
    updated_by: Mapped[uuid.UUID | None]


class SystemLog(Base):
    """One request or job as it was logged; partitioned by month of ``created_at``. It never holds a secret."""

    __tablename__ = "system_logs"

    id: Mapped[uuid.UUID] = mapped_column(default=uuid.uuid4, server_default=func.gen_random_uuid())
    request_id: Mapped[str | None]
    user_id: Mapped[uuid.UUID | None]
    action: Mapped[str]
    resource_type: Mapped[str | None]
    resource_id: Mapped[uuid.UUID | None]
    ip_address: Mapped[str | None] = mapped_column(INET)
    user_agent: Mapped[str | None]
    request_method: Mapped[str | None]
    request_path: Mapped[str | None]
    request_body: Mapped[str | None]
    response_status: Mapped[int | None]
    response_time_ms: Mapped[int | None]
    error_message: Mapped[str | None]
    extra: Mapped[Document] = mapped_column("metadata")
    created_at: Mapped[dt.datetime] = mapped_column(server_default=func.now())

    __table_args__ = (
        PrimaryKeyConstraint("id", "created_at"),
        Index(None, "user_id", "created_at"),
        Index(None, "action", "created_at"),
        Index(None, "request_id", postgresql_where=text("request_id IS NOT NULL")),
        Index(None, "created_at"),
        {"postgresql_partition_by": "RANGE (created_at)"},
    )


class AuditLog(Identified, Created, Base):
    """Who changed what, for good: the table refuses UPDATE, DELETE and TRUNCATE."""

    __tablename__ = "audit_logs"

    user_id: Mapped[uuid.UUID | None]
    action: Mapped[str]
    resource_type: Mapped[str]
    resource_id: Mapped[uuid.UUID | None]
    old_values: Mapped[dict[str, Any] | None]
    new_values: Mapped[dict[str, Any] | None]
    ip_address: Mapped[str | None] = mapped_column(INET)
    user_agent: Mapped[str | None]

    __table_args__ = (
        Index(None, "user_id", "created_at"),
        Index(None, "resource_type", "resource_id", "created_at"),
        Index(None, "created_at", "id"),
    )
