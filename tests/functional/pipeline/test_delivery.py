"""Events on their way: delivered once, retried, buried, replayed."""

import threading
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from structlog.testing import capture_logs

from lms_core.kernel import delivery as delivery_room
from lms_core.kernel.delivery import deliver, describe, finish, is_outage, retry_pause
from lms_core.kernel.errors import NotFound
from lms_core.kernel.events import Delivery, Undeliverable, publish
from lms_core.kernel.outbox import dead_letters, deliver_pending, drop, prune, replay
from tests.functional.pipeline.support import MakePipeline, Pipeline, ThingDone, Unheard, note, noting

TOKEN = "kJ8s-2nQ0vZ_yT5wXcR7bLmP4dFgH1aUeOiS6tKxEo9"


def failing(error: Exception, *, first: int = 1_000_000) -> Callable[[Delivery, Any], None]:
    """A handler that has its effect and then fails, so many times."""
    calls = iter(range(first))

    def handle(delivery: Delivery, event: ThingDone) -> None:
        note(delivery, "failing", event.number)
        if next(calls, None) is not None:
            raise error

    return handle


def test_each_subscriber_gets_each_event_once(make_pipeline: MakePipeline) -> None:
    pipeline = make_pipeline({"test.one": noting("one"), "test.two": noting("two")})
    pipeline.publish(1, 2, 3)
    assert deliver_pending(pipeline.registry) == 6
    assert pipeline.effects("one") == pipeline.effects("two") == [1, 2, 3]
    assert pipeline.unfinished() == 0
    assert deliver_pending(pipeline.registry) == 0


def test_more_than_a_batch(make_pipeline: MakePipeline) -> None:
    pipeline = make_pipeline({"test.one": noting("one")})
    pipeline.publish(*range(120))
    assert deliver_pending(pipeline.registry) == 120
    assert pipeline.effects("one") == list(range(120))


def test_a_redelivery_changes_nothing(make_pipeline: MakePipeline) -> None:
    pipeline = make_pipeline({"test.one": noting("one"), "test.two": noting("two")})
    events = pipeline.publish(1, 2)
    for again in (False, False, True):
        deliver(pipeline.registry, "test.one", events, again=again)
    assert pipeline.effects("one") == [1, 2]
    assert pipeline.unfinished() == 2, "test.two has not had them"
    deliver(pipeline.registry, "test.two", events)
    assert pipeline.unfinished() == 0


@pytest.mark.parametrize("again", [False, True])
def test_two_deliveries_at_once_exclude_each_other(make_pipeline: MakePipeline, again: bool) -> None:
    entered, leave = threading.Event(), threading.Event()

    def slow(delivery: Delivery, event: ThingDone) -> None:
        note(delivery, "slow", event.number)
        entered.set()
        assert leave.wait(10)

    pipeline = make_pipeline({"test.slow": slow})
    events = pipeline.publish(1)
    first = threading.Thread(target=deliver, args=(pipeline.registry, "test.slow", events))
    first.start()
    assert entered.wait(10)
    assert deliver(pipeline.registry, "test.slow", events, again=again) == 0, "it does not wait for the first"
    leave.set()
    first.join()
    assert pipeline.effects("slow") == [1]
    assert pipeline.unfinished() == 0
    assert pipeline.column("SELECT attempts FROM delivery_failures") == []


def test_many_workers_race_for_the_same_events(make_pipeline: MakePipeline) -> None:
    pipeline = make_pipeline({"test.one": noting("one"), "test.two": noting("two")}, sqlalchemy__pool_size=10)
    events = pipeline.publish(*range(20))
    names = ["test.one", "test.two"] * 4
    threads = [threading.Thread(target=deliver, args=(pipeline.registry, name, events)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert pipeline.effects("one") == pipeline.effects("two") == list(range(20))
    assert pipeline.unfinished() == 0


def test_a_failure_is_rolled_back_and_tried_again_later(make_pipeline: MakePipeline) -> None:
    pipeline = make_pipeline({"test.failing": failing(RuntimeError("no"), first=2), "test.one": noting("one")})
    pipeline.publish(7)
    assert deliver_pending(pipeline.registry) == 1
    assert pipeline.effects("failing") == []
    assert pipeline.effects("one") == [7], "one subscriber's trouble is not another's"
    assert pipeline.column("SELECT last_error FROM delivery_failures") == ["RuntimeError: no"]
    assert pipeline.column("SELECT retry_at BETWEEN now() + '3 s' AND now() + '7 s' FROM delivery_failures") == [True]
    assert pipeline.column("SELECT lease_until = retry_at FROM outbox, delivery_failures") == [True]
    assert deliver_pending(pipeline.registry) == 0, "not before its time"

    pipeline.hasten()
    assert deliver_pending(pipeline.registry) == 0
    assert pipeline.column("SELECT attempts FROM delivery_failures") == [2]
    pipeline.hasten()
    assert deliver_pending(pipeline.registry) == 1
    assert pipeline.effects("failing") == [7]
    assert pipeline.unfinished() == 0
    assert pipeline.column("SELECT attempts FROM delivery_failures") == []


def test_pauses_grow_up_to_an_hour() -> None:
    for attempts, seconds in enumerate([5, 15, 45, 135, 405, 1215, 3600, 3600], start=1):
        assert 0.8 * seconds <= retry_pause(attempts) <= 1.2 * seconds


def test_what_keeps_failing_is_buried(make_pipeline: MakePipeline) -> None:
    error = RuntimeError(f"smtp://ann:sesame@mail said no to {TOKEN}\nand more")
    pipeline = make_pipeline({"test.failing": failing(error), "test.one": noting("one")}, lms__outbox__attempts=3)
    (event,) = pipeline.publish(7)
    for _ in range(3):
        assert pipeline.column("SELECT id FROM dead_letters") == []
        deliver_pending(pipeline.registry)
        pipeline.hasten()
    with pipeline.core.reader() as db:
        (letter,) = dead_letters(db)
    assert (letter.event_id, letter.subscriber, letter.name) == (event, "test.failing", "test.thing_done")
    assert (letter.payload, letter.attempts) == ({"number": 7}, 3)
    assert letter.error == "RuntimeError: smtp://***@mail said no to ***"
    assert pipeline.unfinished() == 0
    assert pipeline.effects("failing") == []
    assert pipeline.column("SELECT attempts FROM delivery_failures") == []
    assert deliver_pending(pipeline.registry) == 0


def test_what_cannot_be_delivered_is_buried_at_once(make_pipeline: MakePipeline) -> None:
    pipeline = make_pipeline({"test.failing": failing(Undeliverable("no such person"))})
    pipeline.publish(7)
    deliver_pending(pipeline.registry)
    assert pipeline.column("SELECT error FROM dead_letters") == ["Undeliverable: no such person"]
    assert pipeline.unfinished() == 0


def test_a_dead_letter_can_be_replayed(make_pipeline: MakePipeline) -> None:
    pipeline = make_pipeline({"test.failing": failing(Undeliverable(), first=2), "test.one": noting("one")})
    pipeline.publish(7)
    deliver_pending(pipeline.registry)
    (letter,) = pipeline.column("SELECT id FROM dead_letters")

    def replay_it() -> None:
        with pipeline.core.transaction() as db:
            replay(db, letter)

    replay_it()
    with pytest.raises(NotFound):
        replay_it()
    deliver_pending(pipeline.registry)
    with pipeline.core.reader() as db:
        assert [row.id for row in dead_letters(db)] == [letter], "it died again, as the same letter"
    replay_it()
    assert deliver_pending(pipeline.registry) == 1
    assert (pipeline.effects("failing"), pipeline.effects("one")) == ([7], [7])
    assert pipeline.unfinished() == 0
    with pipeline.core.reader() as db:
        assert dead_letters(db) == []


def test_a_dead_letter_can_be_dropped(make_pipeline: MakePipeline) -> None:
    pipeline = make_pipeline({"test.failing": failing(Undeliverable())})
    pipeline.publish(7)
    deliver_pending(pipeline.registry)
    (letter,) = pipeline.column("SELECT id FROM dead_letters")
    with pipeline.core.transaction() as db:
        drop(db, letter)
    assert pipeline.column("SELECT id FROM dead_letters") == []
    for operation in (drop, replay):
        with pytest.raises(NotFound), pipeline.core.transaction() as db:
            operation(db, letter)


def test_an_event_that_kills_its_worker_is_buried(make_pipeline: MakePipeline) -> None:
    class Killed(BaseException):
        """As good as SIGKILL: nothing of ours catches it."""

    def deadly(delivery: Delivery, event: ThingDone) -> None:
        if event.number == 13:
            raise Killed
        note(delivery, "deadly", event.number)

    pipeline = make_pipeline({"test.deadly": deadly}, lms__outbox__attempts=2)
    pipeline.publish(12, 13, 14)
    for attempt in range(3):
        with pytest.raises(Killed):
            deliver_pending(pipeline.registry)
        assert pipeline.effects("deadly") == [12]
        assert pipeline.column("SELECT attempts FROM delivery_failures") == [attempt][:attempt]
        pipeline.hasten()
    assert deliver_pending(pipeline.registry) == 1
    assert pipeline.effects("deadly") == [12, 14], "those behind it are free"
    assert pipeline.column("SELECT (attempts, error)::text FROM dead_letters") == [f'(2,"{delivery_room.INTERRUPTED}")']


def test_a_batch_is_given_up_when_everything_fails(make_pipeline: MakePipeline) -> None:
    pipeline = make_pipeline({"test.failing": failing(TimeoutError("mail server"))})
    pipeline.publish(*range(10))
    deliver_pending(pipeline.registry)
    assert pipeline.column("SELECT attempts FROM delivery_failures") == [1, 1, 1]
    assert pipeline.unfinished() == 10


def test_a_payload_that_does_not_fit_fails_alone(make_pipeline: MakePipeline) -> None:
    pipeline = make_pipeline({"test.one": noting("one")})
    pipeline.publish(1, 2)
    pipeline.execute("""UPDATE outbox SET payload = '{"number": "one"}' WHERE payload->>'number' = '1'""")
    assert deliver_pending(pipeline.registry) == 1
    assert pipeline.column("SELECT last_error FROM delivery_failures") == [
        "ValueError: test.thing_done: field number: a int was expected"
    ]


def test_nobody_listens(make_pipeline: MakePipeline) -> None:
    pipeline = make_pipeline({})
    with pipeline.core.transaction() as db:
        publish(db, Unheard())
    assert deliver_pending(pipeline.registry) == 0
    assert pipeline.unfinished() == 0


def test_an_event_that_only_a_newer_process_knows_waits_for_it(make_pipeline: MakePipeline) -> None:
    pipeline = make_pipeline({})
    pipeline.execute("INSERT INTO outbox (name, payload) VALUES ('test.newer', '{}')")
    with capture_logs() as logs:
        assert deliver_pending(pipeline.registry) == 0
    assert pipeline.column("SELECT lease_until > now() + '9 min' FROM outbox") == [True]
    assert [(log["event"], log["names"]) for log in logs] == [("event_types_unknown", ["test.newer"])]


def test_a_subscriber_of_another_version_is_left_to_others(make_pipeline: MakePipeline) -> None:
    pipeline = make_pipeline({"test.one": noting("one")})
    assert deliver(pipeline.registry, "test.gone", pipeline.publish(1)) == 0
    assert pipeline.unfinished() == 1


def test_what_a_handler_publishes_follows(make_pipeline: MakePipeline) -> None:
    def chain(delivery: Delivery, event: ThingDone) -> None:
        note(delivery, "chain", event.number)
        if event.number < 3:
            publish(delivery.db, ThingDone(event.number + 1))

    pipeline = make_pipeline({"test.chain": chain})
    with pipeline.core.transaction() as db:
        publish(db, ThingDone(1), request_id="r-9")
    assert deliver_pending(pipeline.registry) == 3
    assert pipeline.effects("chain") == [1, 2, 3]
    assert pipeline.column("SELECT DISTINCT request_id FROM system_logs WHERE action = 'chain'") == ["r-9"]


def test_two_that_finish_together_leave_nothing_open(make_pipeline: MakePipeline) -> None:
    pipeline = make_pipeline({"test.one": noting("one"), "test.two": noting("two")})
    (event,) = pipeline.publish(1)
    insert = text("INSERT INTO event_ledger (event_id, subscriber) VALUES (:event, :name)")
    with pipeline.core.transaction() as first, pipeline.core.transaction() as second:
        first.execute(insert, {"event": event, "name": "test.one"})
        second.execute(insert, {"event": event, "name": "test.two"})
        finish(first, pipeline.registry.events, [event])
        assert first.scalar(text("SELECT finished_at FROM outbox")) is None, "it sees itself only"
        first.commit()
        finish(second, pipeline.registry.events, [event])
    assert pipeline.unfinished() == 0


def test_the_relay_closes_what_a_dead_worker_left_open(make_pipeline: MakePipeline) -> None:
    pipeline = make_pipeline({"test.one": noting("one")})
    (event,) = pipeline.publish(1)
    pipeline.execute("INSERT INTO event_ledger (event_id, subscriber) VALUES (:event, 'test.one')", event=event)
    assert deliver_pending(pipeline.registry) == 0
    assert pipeline.unfinished() == 0


def test_old_events_go_and_dead_letters_keep_theirs(make_pipeline: MakePipeline) -> None:
    def picky(delivery: Delivery, event: ThingDone) -> None:
        if event.number == 13:
            raise Undeliverable

    pipeline = make_pipeline({"test.picky": picky}, lms__outbox__keep=3600.0)
    pipeline.publish(1, 13, 2)
    deliver_pending(pipeline.registry)
    pipeline.publish(3)
    pipeline.execute("INSERT INTO outbox (name, payload) VALUES ('test.of_no_plugin', '{}'), ('test.newer', '{}')")
    pipeline.execute("UPDATE outbox SET finished_at = finished_at - interval '2 h'")
    pipeline.execute("UPDATE outbox SET occurred_at = occurred_at - interval '2 h' WHERE name <> 'test.newer'")
    assert prune(pipeline.core, pipeline.registry.events) == 3
    left = "SELECT coalesce(payload->>'number', name) FROM outbox ORDER BY id"
    assert pipeline.column(left) == ["13", "3", "test.newer"]
    assert len(pipeline.column("SELECT event_id FROM event_ledger")) == 1

    (letter,) = pipeline.column("SELECT id FROM dead_letters")
    with pipeline.core.transaction() as db:
        drop(db, letter)
    assert prune(pipeline.core, pipeline.registry.events) == 1
    assert pipeline.column("SELECT event_id FROM event_ledger") == []


def test_a_database_that_restarts_costs_no_attempt(make_pipeline: MakePipeline) -> None:
    def cut_off(delivery: Delivery, event: ThingDone) -> None:
        note(delivery, "cut_off", event.number)
        if not cuts:
            cuts.append(event.number)
            pid = delivery.db.scalar(text("SELECT pg_backend_pid()"))
            pipeline.execute("SELECT pg_terminate_backend(:pid)", pid=pid)
            delivery.db.execute(text("SELECT 1"))

    cuts: list[int] = []
    pipeline: Pipeline = make_pipeline({"test.cut_off": cut_off})
    pipeline.publish(1, 2)
    assert deliver_pending(pipeline.registry) == 2
    assert pipeline.effects("cut_off") == [1, 2]
    assert pipeline.column("SELECT attempts FROM delivery_failures") == []


def test_an_outage_is_told_from_a_mistake(make_pipeline: MakePipeline) -> None:
    pipeline = make_pipeline({})
    with pytest.raises(OperationalError) as caught:
        pipeline.execute("SET LOCAL statement_timeout = 1; SELECT pg_sleep(1)")
    assert not is_outage(caught.value)
    assert describe(caught.value) == "OperationalError: canceling statement due to statement timeout"
    assert not is_outage(RuntimeError())


def test_an_unknown_letter(make_pipeline: MakePipeline) -> None:
    pipeline = make_pipeline({})
    with pytest.raises(NotFound), pipeline.core.transaction() as db:
        replay(db, uuid.uuid4())
