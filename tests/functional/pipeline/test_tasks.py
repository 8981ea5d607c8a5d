"""The Celery application, periodic tasks, and the queues in the data directory."""

import os
import threading
import time
from pathlib import Path
from queue import Empty
from typing import Any

import pytest
from kombu import Connection
from pyramid.exceptions import ConfigurationConflictError, ConfigurationError

from lms_core.kernel import filequeue, upkeep
from lms_core.kernel.outbox import deliver_pending, prune_periodically
from lms_core.kernel.relay import Batch
from lms_core.kernel.tasks import PERIODIC, TaskContext, celery_settings, make_celery, open_sender
from lms_core.settings import Settings, SettingsError
from tests.functional.pipeline.support import MakePipeline, kernel, noting


def test_rabbitmq_keeps_queues_on_a_quorum_and_confirms(make_pipeline: MakePipeline) -> None:
    pipeline = make_pipeline({}, lms__broker__url="amqp://guest:guest@127.0.0.1:5673//")
    app = make_celery(pipeline.registry)
    assert {(queue.name, queue.exchange.type) for queue in app.conf.task_queues} == {
        ("lms.default", "topic"),
        ("lms.long", "topic"),
    }
    assert all(queue.queue_arguments == {"x-queue-type": "quorum"} for queue in app.conf.task_queues)
    assert app.conf.broker_transport_options == {"confirm_publish": True}
    assert (app.conf.task_acks_late, app.conf.task_reject_on_worker_lost) == (True, True)
    assert app.conf.worker_prefetch_multiplier == 1


def test_another_broker_is_refused(settings: Settings) -> None:
    registry = kernel(settings.replace(lms__broker__url="redis://localhost")).registry
    with pytest.raises(SettingsError, match=r"lms\.broker\.url"):
        celery_settings(registry)


def test_two_applications_do_not_know_each_other(make_pipeline: MakePipeline) -> None:
    first, second = (make_celery(make_pipeline({}).registry) for _ in range(2))
    assert first.registry is not second.registry
    assert first.tasks["lms.deliver"] is not second.tasks["lms.deliver"]


def test_a_message_in_the_data_directory_is_delivered(make_pipeline: MakePipeline) -> None:
    pipeline = make_pipeline({"test.one": noting("one")})
    events = pipeline.publish(1, 2)
    app = make_celery(pipeline.registry)
    with open_sender(app) as send:
        send(Batch("test.one", "default", events, again=False))
    with app.connection_for_read() as connection:
        message = connection.default_channel.basic_get("lms.default", no_ack=True)
        subscriber, event_ids, again = message.decode()[0]
        app.tasks[message.headers["task"]](subscriber, event_ids, again)
    assert pipeline.effects("one") == [1, 2]
    assert pipeline.unfinished() == 0


def test_the_beat_starts_periodic_tasks_by_name(settings: Settings) -> None:
    config = kernel(settings)
    config.add_periodic_task("test.tick", print, every=90)
    config.commit()
    entry = celery_settings(config.registry)["beat_schedule"]["test.tick"]
    assert (entry["task"], entry["schedule"], entry["args"]) == (PERIODIC, 90, ["test.tick"])
    assert {"outbox.prune", "partitions.keep", "idempotency.prune"} <= set(config.registry.periodic_tasks)


def test_periodic_tasks_conflict_by_name(settings: Settings) -> None:
    config = kernel(settings)
    config.add_periodic_task("outbox.prune", print, every=90)
    config.add_periodic_task("outbox.prune", repr, every=90)
    with pytest.raises(ConfigurationConflictError):
        config.commit()
    with pytest.raises(ConfigurationError, match="too often"):
        config.add_periodic_task("test.tick", print, every=0.1)


def test_a_periodic_task_runs_once_at_a_time(settings: Settings) -> None:
    entered, leave, runs = threading.Event(), threading.Event(), []

    def slow(context: TaskContext) -> None:
        runs.append(context)
        entered.set()
        assert leave.wait(10)

    config = kernel(settings)
    config.add_periodic_task("test.slow", slow, every=90)
    config.commit()
    task = make_celery(config.registry).tasks[PERIODIC]
    first = threading.Thread(target=task, args=("test.slow",))
    first.start()
    assert entered.wait(10)
    task("test.slow")
    assert len(runs) == 1
    leave.set()
    first.join()
    task("test.slow")
    assert len(runs) == 2
    task("test.unknown")
    config.registry.core.close()


def test_upkeep(make_pipeline: MakePipeline) -> None:
    pipeline = make_pipeline({"test.one": noting("one")}, lms__idempotency__keep=3600.0, lms__outbox__keep=0.0)
    context = TaskContext(pipeline.registry, pipeline.core)
    partitions = "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'system_logs'::regclass ORDER BY 1"
    before = pipeline.column(partitions)
    pipeline.execute(f"DROP TABLE {before[-1]}")
    upkeep.keep_partitions(context)
    assert pipeline.column(partitions) == before

    pipeline.execute(
        "INSERT INTO idempotency_keys (scope, key, method, path, fingerprint, created_at) "
        "SELECT 'anonymous', age::text, 'POST', '/', '', now() - age FROM unnest('{1 min,2 h}'::interval[]) AS age"
    )
    upkeep.prune_idempotency_keys(context)
    assert pipeline.column("SELECT key FROM idempotency_keys") == ["00:01:00"]

    pipeline.publish(1)
    deliver_pending(pipeline.registry)
    prune_periodically(context)
    assert pipeline.column("SELECT count(*)::int FROM outbox") == [0]


@pytest.fixture
def channel(tmp_path: Path) -> Any:
    options = filequeue.transport_options(tmp_path)
    with Connection(transport=filequeue.Transport, transport_options=options) as connection:
        yield connection.default_channel


def test_a_file_is_a_message_for_one_consumer(channel: Any, tmp_path: Path) -> None:
    for number in range(200):
        channel._put("q", {"number": number})
    channel._put("other.q", {"number": -1})
    taken: list[int] = []

    def take() -> None:
        while True:
            try:
                taken.append(channel._get("q")["number"])
            except Empty:
                return

    threads = [threading.Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken) == list(range(200))
    assert len(list((tmp_path / "messages").iterdir())) == 1, "the other queue's message is still there"


def test_a_file_that_is_being_written_is_no_message(channel: Any, tmp_path: Path) -> None:
    (tmp_path / "messages" / ".1-2.q.msg").write_text('{"half')
    with pytest.raises(Empty):
        channel._get("q")


def test_what_a_killed_worker_left_is_cleared_away(tmp_path: Path) -> None:
    filequeue.transport_options(tmp_path)
    old, new = (tmp_path / "messages" / name for name in (".old.q.msg", ".new.q.msg"))
    for path in (old, new):
        path.touch()
    long_ago = time.time() - 2 * filequeue.ABANDONED
    os.utime(old, (long_ago, long_ago))
    filequeue.transport_options(tmp_path)
    assert (old.exists(), new.exists()) == (False, True)
