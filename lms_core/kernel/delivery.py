"""Delivering events to a subscriber: one transaction an event, and what happens when it fails.

The effect and its ledger row commit together, so a delivery that comes twice changes nothing. Two at the same time
exclude each other by an advisory lock; the later one does not wait, because the earlier one will finish or fail.
"""

import random
import re
import time
import traceback
import uuid
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import structlog
from sqlalchemy import Connection, Row, text
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.orm import Session

from lms_core.kernel.events import Delivery, EventCatalog, Subscriber, Undeliverable

if TYPE_CHECKING:
    from lms_core.kernel.core import Core

FIRST_RETRY = 5.0
"""Seconds until the second attempt; each further one waits three times as long, up to :data:`LAST_RETRY`."""
LAST_RETRY = 3600.0
JITTER = 0.2
"""Retries are spread by this share, lest everything that failed together come back together."""
GIVE_UP_AFTER = 3
"""Failures in a row after which the rest of a batch is left for its lease: what the subscriber needs is down."""
DATABASE_PAUSES = (0.2, 1.0, 3.0, 10.0)
"""Seconds to wait for a database that went away; after the last, the batch is left for its lease."""
INTERRUPTED = "the process ended while it was delivering this"

_SECRET = re.compile(r"(?<=://)[^/@\s]+(?=@)|[A-Za-z0-9_-]{40,}")
"""The credentials of a URL, and whatever is long and random enough to be a token."""

_UNDELIVERED = text(
    """
    SELECT event_id, name, payload, request_id, actor_id, occurred_at FROM outbox
    WHERE event_id = ANY(:ids) AND finished_at IS NULL AND NOT EXISTS (
        SELECT FROM event_ledger ledger WHERE ledger.event_id = outbox.event_id AND ledger.subscriber = :subscriber
    ) ORDER BY id
    """
)
_FREE = "pg_try_advisory_xact_lock(hashtextextended(CAST(:event_id AS text) || CAST(:subscriber AS text), 0))"
_ENTER = text(
    f"""
    INSERT INTO event_ledger (event_id, subscriber) SELECT :event_id, CAST(:subscriber AS text) WHERE {_FREE}
    ON CONFLICT DO NOTHING RETURNING event_id
    """
)
_COUNT = text(
    f"""
    INSERT INTO delivery_failures AS failure (event_id, subscriber, attempts, last_error, retry_at)
    SELECT :event_id, CAST(:subscriber AS text), 1, :error, now() WHERE {_FREE}
    ON CONFLICT (event_id, subscriber) DO UPDATE
    SET attempts = failure.attempts + :more, last_error = EXCLUDED.last_error RETURNING attempts
    """
)
_POSTPONE = text(
    """
    WITH postponed AS (
        UPDATE delivery_failures SET retry_at = now() + make_interval(secs => :pause)
        WHERE event_id = :event_id AND subscriber = :subscriber RETURNING retry_at
    )
    UPDATE outbox SET lease_until = least(lease_until, retry_at) FROM postponed WHERE event_id = :event_id
    """
)
_FORGET = text("DELETE FROM delivery_failures WHERE event_id = :event_id AND subscriber = :subscriber")
_BURY = text(
    """
    WITH settled AS (
        INSERT INTO event_ledger (event_id, subscriber) VALUES (:event_id, :subscriber)
        ON CONFLICT DO NOTHING RETURNING event_id, subscriber
    )
    INSERT INTO dead_letters (event_id, subscriber, name, payload, attempts, error, occurred_at)
    SELECT event_id, subscriber, name, payload, :attempts, :error, occurred_at FROM settled JOIN outbox USING (event_id)
    ON CONFLICT (event_id, subscriber) DO UPDATE
    SET attempts = EXCLUDED.attempts, error = EXCLUDED.error, died_at = now(), replayed_at = NULL
    """
)
_LOCK = text("SELECT 1 FROM outbox WHERE event_id = ANY(:ids) AND finished_at IS NULL ORDER BY id FOR NO KEY UPDATE")
_FINISH = text(
    """
    UPDATE outbox SET finished_at = now()
    WHERE event_id = ANY(:ids) AND finished_at IS NULL AND name = ANY(:known) AND NOT EXISTS (
        SELECT FROM unnest(CAST(:names AS text[]), CAST(:subscribers AS text[])) AS wanted(name, subscriber)
        WHERE wanted.name = outbox.name AND NOT EXISTS (
            SELECT FROM event_ledger ledger
            WHERE ledger.event_id = outbox.event_id AND ledger.subscriber = wanted.subscriber
        )
    )
    """
)


def deliver(registry: Any, subscriber_name: str, event_ids: Sequence[uuid.UUID], *, again: bool = False) -> int:
    """Deliver those of the events that the subscriber does not have yet; answers how many it has now got.

    ``again`` says that an earlier try may have died with its process: then each attempt is counted before it
    begins, so that an event that kills its worker ends as a dead letter like any other.
    """
    subscriber: Subscriber | None = registry.events.subscriber(subscriber_name)
    if subscriber is None:
        # Sent by a process with another set of plugins; one that knows it will get the event when the lease is over.
        structlog.get_logger("lms.outbox").warning("subscriber_unknown", subscriber=subscriber_name)
        return 0
    for pause in DATABASE_PAUSES:
        try:
            return _deliver(registry, subscriber, event_ids, again)
        except (OperationalError, InterfaceError) as error:
            if not is_outage(error):
                raise
            structlog.get_logger("lms.outbox").warning("database_lost", error=describe(error), wait=pause)
            time.sleep(pause)
    return _deliver(registry, subscriber, event_ids, again)


def _deliver(registry: Any, subscriber: Subscriber, event_ids: Sequence[uuid.UUID], again: bool) -> int:
    core: Core = registry.core
    with core.transaction() as db:
        rows = db.execute(_UNDELIVERED, {"ids": list(event_ids), "subscriber": subscriber.name}).all()
    delivered = failures = 0
    for row in rows:
        outcome = _deliver_one(registry, subscriber, row, again)
        delivered += outcome is True
        failures = failures + 1 if outcome is False else 0
        if failures == GIVE_UP_AFTER:
            break
    with core.transaction() as db:
        finish(db, registry.events, event_ids)
    return delivered


def _deliver_one(registry: Any, subscriber: Subscriber, row: Row[Any], again: bool) -> bool | None:
    """Whether it was delivered; None where somebody else does it, has done it, or it was given up."""
    core: Core = registry.core
    key = {"event_id": row.event_id, "subscriber": subscriber.name}
    if again and not _begin_attempt(core, key):
        return None
    try:
        with core.transaction() as db:
            if db.execute(_ENTER, key).one_or_none() is None:
                return None
            db.info.update(request_id=row.request_id, actor_id=row.actor_id)
            delivery = Delivery(db, registry, core, row.event_id, row.occurred_at, row.request_id, row.actor_id)
            subscriber.handler(delivery, subscriber.type.read(row.payload))
            if again:
                db.execute(_FORGET, key)
    except Exception as error:
        if is_outage(error):
            raise
        _record_failure(core, key, error, request_id=row.request_id, counted=again)
        return False
    return True


def _begin_attempt(core: "Core", key: dict[str, Any]) -> bool:
    """Count an attempt before it is made; False where somebody else is at it, or there were enough of them."""
    with core.transaction() as db:
        attempts = db.execute(_COUNT, {**key, "error": INTERRUPTED, "more": 1}).scalar_one_or_none()
        if attempts is None:
            return False
        if attempts <= core.settings.integer("lms.outbox.attempts"):
            return True
        _bury(db, key, attempts - 1, INTERRUPTED)
        return False


def _record_failure(
    core: "Core", key: dict[str, Any], error: Exception, *, request_id: str | None, counted: bool
) -> None:
    """Note the failure and when to try again; bury the delivery where that would be pointless."""
    reason = describe(error)
    with core.transaction() as db:
        attempts = db.execute(_COUNT, {**key, "error": reason, "more": 0 if counted else 1}).scalar_one_or_none()
        if attempts is None:
            return
        dead = attempts >= core.settings.integer("lms.outbox.attempts") or isinstance(error, Undeliverable)
        if dead:
            _bury(db, key, attempts, reason)
        else:
            db.execute(_POSTPONE, {**key, "pause": retry_pause(attempts)})
    structlog.get_logger("lms.outbox").error(
        "delivery_dead" if dead else "delivery_failed",
        subscriber=key["subscriber"],
        event_id=str(key["event_id"]),
        request_id=request_id,
        attempts=attempts,
        error=reason,
        # Frames only: the message of an exception may quote values that no log shall hold.
        frames=[f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(error.__traceback__)],
    )


def _bury(db: Session, key: dict[str, Any], attempts: int, reason: str) -> None:
    db.execute(_BURY, {**key, "attempts": attempts, "error": reason})
    db.execute(_FORGET, key)


def retry_pause(attempts: int) -> float:
    """Seconds from a failure to the next attempt: 5, 15, 45 s ... up to an hour, each give or take a fifth."""
    pause = min(LAST_RETRY, FIRST_RETRY * 3.0 ** (attempts - 1))
    return pause * random.uniform(1 - JITTER, 1 + JITTER)


def describe(error: BaseException) -> str:
    """An error in one line, without statements, parameters, credentials or tokens."""
    cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    line = next(iter(str(cause).strip().splitlines()), "")
    return f"{type(error).__name__}: {_SECRET.sub('***', line)}"[:300]


def is_outage(error: BaseException) -> bool:
    """Whether the database was not there: no fault of the event that was in hand."""
    if not isinstance(error, OperationalError | InterfaceError):
        return False
    state = getattr(error.orig, "sqlstate", None)
    return state is None or state.startswith(("08", "53", "57P"))


def finish(db: Session, catalog: EventCatalog, event_ids: Iterable[uuid.UUID]) -> None:
    """Close those of the events that every subscriber has; called after the deliveries were committed.

    Whoever of two subscribers comes last sees both rows. If it dies before it has closed the event, the relay does
    when the lease runs out. The rows are locked first, in one order for all, so that two of these never deadlock
    and the ledger is read as it stands once the lock is held.
    """
    ids = list(event_ids)
    if ids:
        db.execute(_LOCK, {"ids": ids})
        close_finished(db, catalog, ids)


def close_finished(db: Connection | Session, catalog: EventCatalog, event_ids: list[uuid.UUID]) -> None:
    """:func:`finish` for rows that the transaction has locked already."""
    if event_ids:
        db.execute(_FINISH, {"ids": event_ids, "known": catalog.names, **wanted(catalog)})


def wanted(catalog: EventCatalog) -> dict[str, list[str]]:
    """Who shall have what, as the parameters ``names`` and ``subscribers`` of the statements."""
    pairs = list(catalog.subscriptions())
    return {"names": [name for name, _subscriber in pairs], "subscribers": [subscriber for _name, subscriber in pairs]}
