"""The relay: claims events from the outbox and sends each subscriber its share, as a thread of every worker.

Any number of relays work side by side, each passing over the rows that another has locked. A relay outlives the
database and the broker: it says once that one of them is down, once that it is back, and tries in between.
"""

import datetime as dt
import random
import threading
import uuid
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psycopg
import structlog
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from lms_core.kernel.db import make_engine
from lms_core.kernel.delivery import close_finished, describe, wanted
from lms_core.kernel.events import EventCatalog, QueueName

if TYPE_CHECKING:
    from lms_core.kernel.core import Core

CHANNEL = "lms_outbox"
"""Where a trigger notifies of each insert into the outbox."""
BATCH = 50
"""Events in one message."""
POLL = 2.0
"""Seconds between looks at the outbox when nobody notifies: for leases that ran out and notices that were lost."""
LISTEN = 0.5
"""Seconds the relay listens before it looks whether it shall stop."""
GATHER = 0.02
"""Seconds for further events to come, after a pass that did not fill its messages: the first is not kept waiting."""
UNKNOWN_PAUSE = dt.timedelta(minutes=10)
"""How long an event of a type we do not know is left alone: a newer process may know it."""
LONGEST_PAUSE = 5.0
"""Seconds between tries while the database or the broker is down."""


@dataclass(frozen=True, slots=True)
class Batch:
    """One message: events for one subscriber. ``again`` where they had been handed out before and did not finish."""

    subscriber: str
    queue: QueueName
    event_ids: Sequence[uuid.UUID]
    again: bool


Send = Callable[[Batch], None]
"""Returns when the broker has confirmed the message; raises BrokerUnavailable."""


class BrokerUnavailable(Exception):
    """The broker did not take a message; what it says why is the cause."""


# Fresh and overdue events are claimed apart, so that neither waits behind the other's backlog.
_DUE = {
    False: "lease_until IS NULL ORDER BY id",
    True: "lease_until <= now() ORDER BY lease_until, id",
}
_CLAIM = {
    again: text(
        f"""
        WITH due AS (
            SELECT id, event_id, name FROM outbox WHERE finished_at IS NULL AND {due}
            LIMIT :batch FOR NO KEY UPDATE SKIP LOCKED
        ), wanted AS (
            SELECT * FROM unnest(CAST(:names AS text[]), CAST(:subscribers AS text[])) AS wanted(name, subscriber)
        )
        SELECT due.id, due.event_id, due.name, wanted.subscriber, now() AS moment,
               ledger.event_id IS NOT NULL AS done, failure.retry_at
        FROM due
        LEFT JOIN wanted ON wanted.name = due.name
        LEFT JOIN event_ledger ledger ON ledger.event_id = due.event_id AND ledger.subscriber = wanted.subscriber
        LEFT JOIN delivery_failures failure
               ON failure.event_id = due.event_id AND failure.subscriber = wanted.subscriber
        ORDER BY due.id
        """
    )
    for again, due in _DUE.items()
}
_LEASE = text(
    """
    UPDATE outbox SET lease_until = claim.until
    FROM unnest(CAST(:ids AS bigint[]), CAST(:untils AS timestamptz[])) AS claim(id, until)
    WHERE outbox.id = claim.id
    """
)


def hand_out(db: Connection, catalog: EventCatalog, *, lease: float, again: bool, send: Send) -> int:
    """Claim up to 50 events that nobody holds and ``send`` each subscriber its share; answers how many it claimed.

    All in the caller's transaction: what ``send`` raises undoes the claim. The rows stay locked until the commit,
    and other relays pass over them. ``lease`` is in seconds; ``again`` takes those whose lease has run out.
    """
    rows = db.execute(_CLAIM[again], {"batch": BATCH, **wanted(catalog)}).all()
    if not rows:
        return 0
    moment: dt.datetime = rows[0].moment
    unknown = {row.name for row in rows}.difference(catalog.names)
    if unknown:
        structlog.get_logger("lms.relay").warning("event_types_unknown", names=sorted(unknown))
    shares: dict[str, list[uuid.UUID]] = {}
    leases: dict[int, dt.datetime] = {}
    for row in rows:
        if row.name in unknown:
            leases[row.id] = moment + UNKNOWN_PAUSE
        elif row.subscriber is not None and not row.done:
            waits = row.retry_at is not None and row.retry_at > moment
            if not waits:
                shares.setdefault(row.subscriber, []).append(row.event_id)
            until: dt.datetime = row.retry_at if waits else moment + dt.timedelta(seconds=lease)
            leases[row.id] = min(until, leases.get(row.id, until))
    for subscriber, event_ids in shares.items():
        for batch in _batches(catalog, subscriber, event_ids, again):
            send(batch)
    if leases:
        db.execute(_LEASE, {"ids": list(leases), "untils": list(leases.values())})
    close_finished(db, catalog, [row.event_id for row in rows if row.id not in leases])
    return len({row.id for row in rows})


def _batches(catalog: EventCatalog, name: str, event_ids: Sequence[uuid.UUID], again: bool) -> Iterable[Batch]:
    subscriber = catalog.subscriber(name)
    if subscriber is not None:
        # Long work goes one by one, so that it spreads over the workers.
        size = 1 if subscriber.queue == "long" else BATCH
        for start in range(0, len(event_ids), size):
            yield Batch(name, subscriber.queue, event_ids[start : start + size], again)


class Relay(threading.Thread):
    """``open_sender`` connects to the broker for as long as its context lasts.

    The thread has an engine of its own: task processes are forked from this one, and must inherit no pool in use.
    """

    def __init__(self, registry: Any, open_sender: Callable[[], AbstractContextManager[Send]]) -> None:
        super().__init__(name="lms-relay", daemon=True)
        self._core: Core = registry.core
        self._catalog: EventCatalog = registry.events
        self._open_sender = open_sender
        self._lease = self._core.settings.seconds("lms.outbox.lease")
        self._ending = threading.Event()
        self._outage = Outage()

    def end(self) -> None:
        """Tell it to end, which it does within a second, or the confirm timeout where it is just sending a message."""
        self._ending.set()

    def stop(self) -> None:
        """Tell it to end, and wait until it has."""
        self.end()
        self.join()

    def run(self) -> None:
        while not self._ending.is_set():
            try:
                self._serve()
            except Exception as error:  # Whatever it is, the events wait for somebody.
                self._ending.wait(self._outage.begins(error))

    def _serve(self) -> None:
        """Relay until told to stop, on one connection to the database and one to the broker; raises if one breaks."""
        engine = make_engine(self._core.engine.url.render_as_string(hide_password=False), pool_size=1)
        try:
            with engine.connect() as db, self._open_sender() as send:
                db.execute(text("SET application_name = 'lms relay'"))
                db.execute(text(f"LISTEN {CHANNEL}"))
                db.commit()
                while not self._ending.is_set():
                    claimed = self._pass(db, send)
                    self._outage.ends()
                    if not claimed:
                        self._listen(db)
                    elif claimed < BATCH:
                        self._ending.wait(GATHER)
        finally:
            engine.dispose()

    def _pass(self, db: Connection, send: Send) -> int:
        claimed = 0
        for again in (False, True):
            with db.begin():
                claimed += hand_out(db, self._catalog, lease=self._lease, again=again, send=send)
        return claimed

    def _listen(self, db: Connection) -> None:
        """Wait for a notice, for the next poll, or for the end."""
        connection: Any = db.connection.driver_connection
        for _ in range(round(POLL / LISTEN)):
            if self._ending.is_set() or any(connection.notifies(timeout=LISTEN, stop_after=1)):
                return


class Outage:
    """Says once that something is down and once that it is back, and how long to wait before each next try."""

    def __init__(self) -> None:
        self._log = structlog.get_logger("lms.relay")
        self._tries = 0

    def begins(self, error: Exception) -> float:
        """Note a failure; answers the seconds to wait: half a second, doubling up to :data:`LONGEST_PAUSE`."""
        if not self._tries:
            if isinstance(error, BrokerUnavailable):
                self._log.error("relay_waits", waits_for="broker", error=describe(error.__cause__ or error))
            elif isinstance(error, DBAPIError | psycopg.Error):
                self._log.error("relay_waits", waits_for="database", error=describe(error))
            else:
                self._log.error("relay_failed", exc_info=error)
        self._tries += 1
        return float(min(LONGEST_PAUSE, 0.25 * 2.0 ** min(self._tries, 10)) * random.uniform(0.8, 1.2))

    def ends(self) -> None:
        if self._tries:
            self._log.info("relay_works_again", tries=self._tries)
        self._tries = 0
