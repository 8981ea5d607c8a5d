"""Handing events out, and the thread that does it."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from structlog.testing import capture_logs

from lms_core.kernel.outbox import deliver_pending
from lms_core.kernel.relay import Batch, BrokerUnavailable, Outage, Relay, hand_out
from tests.functional.pipeline.support import MakePipeline, Pipeline, noting


def hand(pipeline: Pipeline, send: Callable[[Batch], None], *, again: bool = False, lease: float = 60.0) -> int:
    with pipeline.core.transaction() as db:
        return hand_out(db.connection(), pipeline.registry.events, lease=lease, again=again, send=send)


def test_one_message_for_each_subscriber(make_pipeline: MakePipeline) -> None:
    pipeline = make_pipeline({"test.one": noting("one"), "test.two": noting("two")})
    events = pipeline.publish(*range(60))
    sent: list[Batch] = []
    assert hand(pipeline, sent.append) == 50
    assert [(batch.subscriber, batch.queue, batch.again) for batch in sent] == [
        ("test.one", "default", False),
        ("test.two", "default", False),
    ]
    assert [list(batch.event_ids) for batch in sent] == [events[:50]] * 2
    assert hand(pipeline, sent.append) == 10
    assert hand(pipeline, sent.append) == 0


def test_long_work_goes_one_by_one(make_pipeline: MakePipeline) -> None:
    pipeline = make_pipeline({"test.one": noting("one")}, queue="long")
    events = pipeline.publish(1, 2, 3)
    sent: list[Batch] = []
    hand(pipeline, sent.append)
    assert [(batch.queue, list(batch.event_ids)) for batch in sent] == [("long", [event]) for event in events]


def test_two_relays_share_the_work(make_pipeline: MakePipeline) -> None:
    pipeline = make_pipeline({"test.one": noting("one")})
    events = pipeline.publish(*range(70))
    sent: list[Batch] = []

    def send_meanwhile(batch: Batch) -> None:
        sent.append(batch)
        if len(sent) == 1:
            hand(pipeline, sent.append)

    hand(pipeline, send_meanwhile)
    assert [list(batch.event_ids) for batch in sent] == [events[:50], events[50:]]


def test_a_broker_that_refuses_leaves_the_events_as_they_were(make_pipeline: MakePipeline) -> None:
    def refuse(batch: Batch) -> None:
        if batch.subscriber == "test.two":
            raise BrokerUnavailable

    pipeline = make_pipeline({"test.one": noting("one"), "test.two": noting("two")})
    pipeline.publish(1)
    with pytest.raises(BrokerUnavailable):
        hand(pipeline, refuse)
    assert pipeline.column("SELECT lease_until FROM outbox") == [None]
    assert deliver_pending(pipeline.registry) == 2


def test_a_lease_that_ran_out_is_handed_out_again(make_pipeline: MakePipeline) -> None:
    pipeline = make_pipeline({"test.one": noting("one"), "test.two": noting("two")})
    (event,) = pipeline.publish(1)
    sent: list[Batch] = []
    hand(pipeline, sent.append)
    assert hand(pipeline, sent.append, again=True) == 0, "the lease still runs"
    pipeline.hasten()
    pipeline.execute("INSERT INTO event_ledger (event_id, subscriber) VALUES (:event, 'test.one')", event=event)
    sent.clear()
    assert hand(pipeline, sent.append, again=True) == 1
    assert sent == [Batch("test.two", "default", [event], again=True)]


def test_a_retry_waits_for_its_time(make_pipeline: MakePipeline) -> None:
    pipeline = make_pipeline({"test.one": noting("one"), "test.two": noting("two")})
    (event,) = pipeline.publish(1)
    pipeline.execute(
        "INSERT INTO delivery_failures (event_id, subscriber, attempts, last_error, retry_at) "
        "VALUES (:event, 'test.one', 1, 'no', now() + interval '10 s')",
        event=event,
    )
    sent: list[Batch] = []
    hand(pipeline, sent.append)
    assert [batch.subscriber for batch in sent] == ["test.two"]
    assert pipeline.column("SELECT lease_until = retry_at FROM outbox, delivery_failures") == [True]


class Broker:
    """Takes messages as long as it is up."""

    def __init__(self) -> None:
        self.up = True
        self.sent: list[Batch] = []
        self.connections = 0

    @contextmanager
    def open_sender(self) -> Iterator[Callable[[Batch], None]]:
        self._check()
        self.connections += 1
        yield self._send

    def _send(self, batch: Batch) -> None:
        self._check()
        self.sent.append(batch)

    def _check(self) -> None:
        if not self.up:
            raise BrokerUnavailable from ConnectionRefusedError("amqp://guest:guest@127.0.0.1: nobody there")

    def await_events(self, count: int, seconds: float = 15) -> float:
        """Seconds until so many events were sent."""
        began = time.monotonic()
        while sum(len(batch.event_ids) for batch in self.sent) < count:
            assert time.monotonic() - began < seconds, self.sent
            time.sleep(0.01)
        return time.monotonic() - began


@contextmanager
def running(relay: Relay) -> Iterator[None]:
    relay.start()
    try:
        yield
    finally:
        relay.stop()
        assert not relay.is_alive()


def test_the_relay_is_woken_by_a_commit(make_pipeline: MakePipeline) -> None:
    pipeline, broker = make_pipeline({"test.one": noting("one")}), Broker()
    with running(Relay(pipeline.registry, broker.open_sender)):
        pipeline.publish(1)
        broker.await_events(1)
        for number in range(2, 5):
            pipeline.publish(number)
            assert broker.await_events(number) < 1, "it did not wait for its poll"
        began = time.monotonic()
    assert time.monotonic() - began < 1.5, "it stops promptly"


def test_the_relay_outlives_its_database_connection(make_pipeline: MakePipeline) -> None:
    pipeline, broker = make_pipeline({"test.one": noting("one")}), Broker()
    relays = "FROM pg_stat_activity WHERE application_name = 'lms relay' AND datname = current_database()"
    with capture_logs() as logs, running(Relay(pipeline.registry, broker.open_sender)):
        pipeline.publish(1)
        broker.await_events(1)
        assert pipeline.column(f"SELECT pg_terminate_backend(pid) {relays}") == [True]
        pipeline.publish(2)
        broker.await_events(2)
    assert [(log["event"], log.get("waits_for")) for log in logs] == [
        ("relay_waits", "database"),
        ("relay_works_again", None),
    ]


def test_the_relay_outlives_the_broker_and_says_so_once(make_pipeline: MakePipeline) -> None:
    pipeline, broker = make_pipeline({"test.one": noting("one")}), Broker()
    with capture_logs() as logs, running(Relay(pipeline.registry, broker.open_sender)):
        pipeline.publish(1)
        broker.await_events(1)
        broker.up = False
        pipeline.publish(2)
        time.sleep(2.5)
        assert pipeline.column("SELECT lease_until FROM outbox WHERE payload->>'number' = '2'") == [None]
        broker.up = True
        broker.await_events(2)
        time.sleep(0.1)
    assert [log["event"] for log in logs] == ["relay_waits", "relay_works_again"]
    assert logs[0]["error"] == "ConnectionRefusedError: amqp://***@127.0.0.1: nobody there"
    assert logs[1]["tries"] > 1
    assert broker.connections == 2


def test_the_pauses_of_an_outage_are_bounded() -> None:
    outage = Outage()
    with capture_logs():
        pauses = [outage.begins(BrokerUnavailable()) for _ in range(50)]
    assert 0.4 <= pauses[0] <= 0.6
    assert max(pauses) <= 6


def test_a_fault_of_ours_is_logged_whole_and_survived(make_pipeline: MakePipeline) -> None:
    pipeline, broker = make_pipeline({"test.one": noting("one")}), Broker()
    failed = threading.Event()

    @contextmanager
    def broken() -> Iterator[Any]:
        if not failed.is_set():
            failed.set()
            raise ZeroDivisionError
        with broker.open_sender() as send:
            yield send

    with capture_logs() as logs, running(Relay(pipeline.registry, broken)):
        pipeline.publish(1)
        broker.await_events(1)
    assert logs[0]["event"] == "relay_failed"
    assert isinstance(logs[0]["exc_info"], ZeroDivisionError)
