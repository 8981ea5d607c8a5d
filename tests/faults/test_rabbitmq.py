"""Workers and a real RabbitMQ: stopped, started, killed."""

import time
from collections.abc import Callable
from typing import Any

import psutil
import pytest
from kombu import Connection

from lms_core.kernel.outbox import deliver_pending
from lms_core.settings import Settings
from tests.faults.conftest import Broker, Worker, until
from tests.functional.pipeline.support import Pipeline

StartWorker = Callable[[Settings], Worker]


@pytest.fixture
def fault_settings(fault_settings: Settings, broker: Broker) -> Settings:
    return fault_settings.replace(lms__broker__url=broker.url)


def done(pipeline: Pipeline, *numbers: int) -> Callable[[], Any]:
    wanted = sorted(numbers)
    return lambda: pipeline.unfinished() == 0 and pipeline.effects("one") == pipeline.effects("long") == wanted


def test_a_worker_delivers_and_stops_in_order(
    pipeline: Pipeline, fault_settings: Settings, start_worker: StartWorker
) -> None:
    pipeline.publish(1, 2)
    worker = start_worker(fault_settings)
    until(done(pipeline, 1, 2), "what waited before it came")
    pipeline.publish(3)
    until(done(pipeline, 1, 2, 3), "what came later")
    family = worker.children()
    began = time.monotonic()
    assert worker.stop() == 0
    assert time.monotonic() - began < 9, "`lms up` kills what takes longer than 10 s"
    _gone, alive = psutil.wait_procs(family, timeout=10)
    assert alive == []


def test_the_broker_is_stopped_and_started(
    pipeline: Pipeline, fault_settings: Settings, start_worker: StartWorker, broker: Broker
) -> None:
    worker = start_worker(fault_settings)
    pipeline.publish(1)
    until(done(pipeline, 1), "it works")
    broker.run("stop")
    pipeline.publish(2, 3)
    time.sleep(2)
    assert pipeline.column("SELECT lease_until FROM outbox WHERE finished_at IS NULL") == [None, None], "they wait"
    broker.run("start")
    until(done(pipeline, 1, 2, 3), "what waited is delivered, once")
    pipeline.publish(4)
    until(done(pipeline, 1, 2, 3, 4), "and it works on")
    assert worker.log.count('"relay_waits"') == 1
    assert worker.log.count('"relay_works_again"') == 1


def test_a_worker_that_starts_before_the_broker(
    pipeline: Pipeline, fault_settings: Settings, start_worker: StartWorker, broker: Broker
) -> None:
    broker.run("stop")
    pipeline.publish(1)
    worker = start_worker(fault_settings)
    until(lambda: '"relay_waits"' in worker.log, "it tells")
    broker.run("start")
    until(done(pipeline, 1), "it connects when it can")
    broker.run("stop")
    assert worker.stop() == 0, "it stops without a broker, too"


def test_the_broker_is_killed(
    pipeline: Pipeline, fault_settings: Settings, start_worker: StartWorker, broker: Broker
) -> None:
    start_worker(fault_settings)
    pipeline.publish(1)
    until(done(pipeline, 1), "it works")
    # RabbitMQ notes a new quorum queue on disk within the second.
    time.sleep(1.5)
    broker.run("kill")
    pipeline.publish(2)
    broker.run("start")
    until(done(pipeline, 1, 2), "it works again")


def test_a_task_process_killed_in_the_middle(
    pipeline: Pipeline, fault_settings: Settings, start_worker: StartWorker
) -> None:
    """The lease is longer than the test: it is the broker that delivers again."""
    worker = start_worker(fault_settings.replace(lms__outbox__lease=600.0))
    marks = [fault_settings.data / f"{action}-holds" for action in ("one", "long")]
    pipeline.publish(12, 13, 14)
    until(lambda: all(mark.exists() and mark.read_text() for mark in marks), "both hold event 13")
    for mark in marks:
        psutil.Process(int(mark.read_text())).kill()
    until(done(pipeline, 12, 13, 14), "each event once")
    assert worker.process.is_running()
    assert pipeline.column("SELECT id FROM dead_letters") == []


def test_a_whole_worker_killed_in_the_middle(
    pipeline: Pipeline, fault_settings: Settings, start_worker: StartWorker
) -> None:
    settings = fault_settings.replace(lms__outbox__lease=600.0)
    worker = start_worker(settings)
    marks = [settings.data / f"{action}-holds" for action in ("one", "long")]
    pipeline.publish(13, 14)
    until(lambda: all(mark.exists() for mark in marks), "both hold event 13")
    worker.kill()
    assert 13 not in pipeline.effects("one")
    start_worker(settings)
    until(done(pipeline, 13, 14), "another worker delivers each event once")


def test_messages_that_the_broker_lost(
    pipeline: Pipeline, fault_settings: Settings, start_worker: StartWorker, broker: Broker
) -> None:
    worker = start_worker(fault_settings)
    pipeline.publish(1)
    until(done(pipeline, 1), "it works")
    worker.stop()
    relay_only = start_worker(fault_settings)
    until(lambda: "ready" in relay_only.log, "it is up")
    for child in relay_only.children():
        child.suspend()
    pipeline.publish(2)
    until(lambda: pipeline.column("SELECT 1 FROM outbox WHERE lease_until > now()"), "it is handed out")
    relay_only.kill()
    broker.purge()
    start_worker(fault_settings)
    until(done(pipeline, 1, 2), "the outbox did not forget")


def test_two_workers_share_the_work(pipeline: Pipeline, fault_settings: Settings, start_worker: StartWorker) -> None:
    for _ in range(2):
        start_worker(fault_settings.replace(lms__worker__concurrency=1))
    numbers = range(100, 300)
    for number in numbers:
        pipeline.publish(number)
    until(done(pipeline, *numbers), "every event once")
    assert deliver_pending(pipeline.registry) == 0


def test_the_queues_are_quorum_queues(
    pipeline: Pipeline, fault_settings: Settings, start_worker: StartWorker, broker: Broker
) -> None:
    start_worker(fault_settings)
    pipeline.publish(1)
    until(done(pipeline, 1), "it works")
    with Connection(broker.url) as connection:
        channel = connection.channel()
        with pytest.raises(connection.channel_errors, match="x-queue-type"):
            channel.queue_declare("lms.default", durable=True, auto_delete=False)
