"""The transactional outbox, as commands, periodic tasks and tests see it.

An event is published as a row in the transaction that caused it (:mod:`lms_core.kernel.events`). The relay
(:mod:`lms_core.kernel.relay`), a thread of every worker, claims rows for the length of a lease and sends each
subscriber one message for up to 50 of them. A worker delivers (:mod:`lms_core.kernel.delivery`): the effect and its
ledger row commit together. The event is finished when every subscriber has its ledger row, and not before; what is
unfinished when its lease runs out is handed out again. So no broker needs to remember anything, and a message that
comes twice finds its work done.

Failures are retried with growing pauses; after ``lms.outbox.attempts`` of them the delivery is a dead letter, and
the event is finished as far as that subscriber goes, until somebody replays it.

Order: events are handed out as they were published, and each subscriber gets them in that order as a rule. With
several task processes, retries and redeliveries it is no promise: a handler that minds must compare what it has.

Upgrades: an event whose type a process does not know waits for one that does. A subscriber that is new to a known
type misses the events which processes of the version before finish, so stop those first.
"""

import uuid
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Row, bindparam, text
from sqlalchemy.orm import Session

from lms_core.kernel.delivery import deliver
from lms_core.kernel.errors import NotFound
from lms_core.kernel.events import EventCatalog
from lms_core.kernel.relay import CHANNEL, Batch, hand_out

if TYPE_CHECKING:
    from pyramid.config import Configurator

    from lms_core.kernel.core import Core
    from lms_core.kernel.tasks import TaskContext

PRUNED_AT_ONCE = 5_000

_REPLAY = text(
    """
    UPDATE dead_letters SET replayed_at = now() WHERE id = :id AND replayed_at IS NULL
    RETURNING event_id, subscriber
    """
)
_PRUNE = text(
    """
    WITH gone AS (
        DELETE FROM outbox WHERE id IN (
            SELECT id FROM outbox WHERE (
                finished_at < now() - make_interval(secs => :keep)
                OR finished_at IS NULL AND occurred_at < now() - make_interval(secs => :keep)
                   AND name <> ALL(CAST(:known AS text[]))
            ) AND NOT EXISTS (
                SELECT FROM dead_letters letter
                WHERE letter.event_id = outbox.event_id AND letter.replayed_at IS NULL
            )
            LIMIT :most FOR UPDATE SKIP LOCKED
        ) RETURNING event_id
    ), ledger AS (
        DELETE FROM event_ledger WHERE event_id IN (SELECT event_id FROM gone)
    ), failures AS (
        DELETE FROM delivery_failures WHERE event_id IN (SELECT event_id FROM gone)
    ), letters AS (
        DELETE FROM dead_letters WHERE event_id IN (SELECT event_id FROM gone)
    )
    SELECT count(*) FROM gone
    """
).bindparams(bindparam("most", PRUNED_AT_ONCE))


def deliver_pending(registry: Any) -> int:
    """Deliver in this process whatever waits, and what that publishes in turn; answers how many deliveries.

    The code is the relay's and the worker's, only without a broker between them. What a relay holds a lease on, or
    what waits for its retry, is left alone.
    """
    core: Core = registry.core
    lease = core.settings.seconds("lms.outbox.lease")
    delivered = 0
    while True:
        batches: list[Batch] = []
        claimed = 0
        for again in (False, True):
            with core.transaction() as db:
                claimed += hand_out(db.connection(), registry.events, lease=lease, again=again, send=batches.append)
        for batch in batches:
            delivered += deliver(registry, batch.subscriber, batch.event_ids, again=batch.again)
        if not claimed:
            return delivered


def dead_letters(db: Connection) -> Sequence[Row[Any]]:
    """What could not be delivered and has not been replayed, oldest first, at most 1,000.

    Columns: id, event_id, subscriber, name, payload, attempts, error, occurred_at, died_at.
    """
    return db.execute(
        text(
            "SELECT id, event_id, subscriber, name, payload, attempts, error, occurred_at, died_at FROM dead_letters "
            "WHERE replayed_at IS NULL ORDER BY died_at, id LIMIT 1000"
        )
    ).all()


def replay(db: Session, letter_id: uuid.UUID) -> None:
    """Deliver a dead letter once more, with all its attempts before it. Raises NotFound where none waits."""
    letter = db.execute(_REPLAY, {"id": letter_id}).one_or_none()
    if letter is None:
        raise NotFound("dead_letter_unknown")
    key = {"event_id": letter.event_id, "subscriber": letter.subscriber}
    db.execute(text("UPDATE outbox SET finished_at = NULL, lease_until = NULL WHERE event_id = :event_id"), key)
    db.execute(text("DELETE FROM event_ledger WHERE event_id = :event_id AND subscriber = :subscriber"), key)
    db.execute(text("DELETE FROM delivery_failures WHERE event_id = :event_id AND subscriber = :subscriber"), key)
    db.execute(text("SELECT pg_notify(:channel, '')"), {"channel": CHANNEL})


def drop(db: Session, letter_id: uuid.UUID) -> None:
    """Give a dead letter up for good. Raises NotFound where there is none."""
    dropped = db.execute(text("DELETE FROM dead_letters WHERE id = :id RETURNING id"), {"id": letter_id})
    if dropped.one_or_none() is None:
        raise NotFound("dead_letter_unknown")


def prune(core: "Core", catalog: EventCatalog) -> int:
    """Delete what finished longer ago than ``lms.outbox.keep``, with all its traces; answers how many events.

    An event stays while a dead letter of it can be replayed. One whose type nobody knows goes when it is as old.
    """
    parameters = {"keep": core.settings.seconds("lms.outbox.keep"), "known": catalog.names}
    pruned = 0
    while True:
        with core.transaction() as db:
            count: int = db.execute(_PRUNE, parameters).scalar_one()
        pruned += count
        if count < PRUNED_AT_ONCE:
            return pruned


def prune_periodically(context: "TaskContext") -> None:
    prune(context.core, context.registry.events)


def includeme(config: "Configurator") -> None:
    config.include("lms_core.kernel.tasks")
    config.add_periodic_task("outbox.prune", prune_periodically, every=3600)
