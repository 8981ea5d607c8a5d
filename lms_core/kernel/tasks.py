"""The Celery application: deliveries of events, and periodic tasks. Nobody sends it tasks but the relay and the beat.

Work that need not happen inside a request is an event with a subscriber, on the queue ``long`` where it takes more
than some seconds; work that time brings about is a periodic task::

    config.add_periodic_task("outbox.prune", prune_periodically, every=3600)

Messages carry ids only, and each task opens transactions of its own.
"""

import logging
import os
import socket
import uuid
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import structlog
from celery import Celery, bootsteps
from celery.exceptions import CPendingDeprecationWarning
from celery.signals import setup_logging
from kombu.entity import Exchange, Queue
from pyramid.exceptions import ConfigurationError
from sqlalchemy import text

from lms_core.kernel import filequeue
from lms_core.kernel.delivery import deliver
from lms_core.kernel.events import QueueName
from lms_core.kernel.relay import Batch, BrokerUnavailable, Relay, Send
from lms_core.settings import Settings, SettingsError

if TYPE_CHECKING:
    from pyramid.config import Configurator
    from sqlalchemy.orm import Session

    from lms_core.kernel.core import Core

DELIVER, PERIODIC = "lms.deliver", "lms.periodic"
QUEUES: tuple[QueueName, ...] = ("default", "long")
CONNECT_TIMEOUT = 4.0
"""Seconds to reach the broker."""


@dataclass(frozen=True, slots=True)
class TaskContext:
    """What a periodic task works with; it opens its transactions by ``core.transaction()``."""

    registry: Any
    core: "Core"

    def in_batches(self, step: Callable[["Session"], int], most: int) -> None:
        """Do a step, each time in a transaction of its own, until it answers that it found fewer than ``most``."""
        done = most
        while done == most:
            with self.core.transaction() as db:
                done = step(db)


@dataclass(frozen=True, slots=True)
class PeriodicTask:
    """``handler(context)`` every so many seconds."""

    name: str
    handler: Callable[[TaskContext], None]
    every: float
    queue: QueueName


class CeleryApp(Celery):  # type: ignore[misc]  # Celery is not typed.
    """Celery, with the registry that its tasks work for."""

    registry: Any


def make_celery(registry: Any) -> CeleryApp:
    """The Celery application of a configured registry; it becomes nobody's current application."""
    app = CeleryApp("lms", set_as_current=False, changes=celery_settings(registry))
    app.registry = registry

    def deliver_events(task: Any, subscriber: str, event_ids: Sequence[str], again: bool) -> None:
        redelivered = bool((task.request.delivery_info or {}).get("redelivered"))
        deliver(registry, subscriber, [uuid.UUID(each) for each in event_ids], again=again or redelivered)

    def start_periodic(name: str) -> None:
        run_periodic(registry, name)

    # Not shared: Celery would give the task to every other application of the process.
    app.task(name=DELIVER, shared=False, bind=True)(deliver_events)
    app.task(name=PERIODIC, shared=False)(start_periodic)
    return app


def celery_settings(registry: Any) -> dict[str, Any]:
    """Celery's configuration: late acknowledgement, confirmed publishing, JSON only, and no results."""
    settings: Settings = registry.core.settings
    return {
        **_broker_settings(settings),
        "beat_schedule": {
            task.name: {
                "task": PERIODIC,
                "schedule": task.every,
                "args": [task.name],
                # A run that nobody took before the next is due is not made up for.
                "options": {"queue": _queue_name(task.queue), "expires": task.every},
            }
            for task in registry.periodic_tasks.values()
        },
        "beat_schedule_filename": str(settings.data / "run" / "beat-schedule"),
        "broker_connection_timeout": CONNECT_TIMEOUT,
        "broker_connection_max_retries": None,
        "broker_connection_retry_on_startup": True,
        "accept_content": ["json"],
        "task_serializer": "json",
        "task_ignore_result": True,
        "task_store_errors_even_if_ignored": False,
        "task_acks_late": True,
        "task_reject_on_worker_lost": True,
        "task_default_queue": _queue_name("default"),
        "task_create_missing_queues": False,
        "timezone": "UTC",
        "worker_prefetch_multiplier": 1,
        "worker_detect_quorum_queues": True,
        "worker_cancel_long_running_tasks_on_connection_loss": False,
        "worker_enable_remote_control": False,
        "worker_hijack_root_logger": False,
        "worker_redirect_stdouts": False,
    }


def _broker_settings(settings: Settings) -> dict[str, Any]:
    url = settings.text("lms.broker.url")
    if url == "embedded:":
        return {
            "broker_url": "filesystem://localhost//",
            "broker_transport": "lms_core.kernel.filequeue:Transport",
            "broker_transport_options": filequeue.transport_options(settings.data / "queues"),
            "task_queues": _queues(),
        }
    if not url.startswith(("amqp://", "amqps://")):
        raise SettingsError("lms.broker.url: not amqp://, amqps:// or embedded:")
    return {
        "broker_url": url,
        "broker_transport_options": {"confirm_publish": True},
        "task_queues": _queues({"x-queue-type": "quorum"}),
    }


def _queues(arguments: dict[str, Any] | None = None) -> list[Queue]:
    # A topic exchange, because Celery hangs its own delay queues on it; a direct one would make an ETA block.
    exchange = Exchange("lms", type="topic", durable=True)  # type: ignore[no-untyped-call]
    names = [_queue_name(name) for name in QUEUES]
    return [
        Queue(name, exchange, name, durable=True, queue_arguments=arguments)  # type: ignore[no-untyped-call]
        for name in names
    ]


def _queue_name(name: QueueName) -> str:
    return f"lms.{name}"


@contextmanager
def open_sender(app: CeleryApp) -> Iterator[Send]:
    """A connection to the broker for a relay. Whatever goes wrong with it is raised as BrokerUnavailable."""
    timeout = app.registry.core.settings.seconds("lms.broker.confirm_timeout")
    # No heartbeat: nobody would send it between messages, and a dead peer is found out by the missing confirm.
    connection = app.connection_for_write(heartbeat=0, connect_timeout=CONNECT_TIMEOUT)
    try:
        with _reported():
            connection.connect()
            producer = app.amqp.Producer(connection)

        def send(batch: Batch) -> None:
            with _reported():
                app.send_task(
                    DELIVER,
                    (batch.subscriber, [str(event_id) for event_id in batch.event_ids], batch.again),
                    queue=_queue_name(batch.queue),
                    producer=producer,
                    retry=False,
                    confirm_timeout=timeout,
                    add_to_parent=False,
                )

        yield send
    finally:
        connection.release()


@contextmanager
def _reported() -> Iterator[None]:
    try:
        yield
    except Exception as error:
        raise BrokerUnavailable from error


def run_periodic(registry: Any, name: str) -> None:
    """Run a periodic task, unless it is running somewhere already."""
    task: PeriodicTask | None = registry.periodic_tasks.get(name)
    core: Core = registry.core
    key = {"name": f"lms.periodic {name}"}
    if task is None:
        structlog.get_logger("lms.tasks").warning("periodic_task_unknown", task=name)
        return
    with core.reader() as db:
        if db.execute(text("SELECT pg_try_advisory_lock(hashtextextended(:name, 0))"), key).scalar_one():
            try:
                task.handler(TaskContext(registry, core))
            finally:
                db.execute(text("SELECT pg_advisory_unlock(hashtextextended(:name, 0))"), key)


class RelayStep(bootsteps.StartStopStep):  # type: ignore[misc]  # Celery is not typed.
    """Runs the relay in the worker's main process, from after the first forks until the worker stops."""

    requires = ("celery.worker.components:Pool",)

    def __init__(self, worker: Any, **options: Any) -> None:
        super().__init__(worker, **options)
        self._relay = Relay(worker.app.registry, partial(open_sender, worker.app))

    def start(self, _worker: Any) -> None:
        self._relay.start()

    def close(self, _worker: Any) -> None:
        self._relay.end()

    def stop(self, _worker: Any) -> None:
        self._relay.stop()


def _leave_logging_alone() -> None:
    """Keep Celery from setting up handlers of its own, and from a line for each message."""
    setup_logging.connect(_ignore, weak=False)
    for name in ("celery.worker.strategy", "celery.app.trace", "celery.beat"):
        logging.getLogger(name).setLevel(logging.WARNING)


def _ignore(**_options: Any) -> None:
    """A receiver of ``setup_logging``: that there is one tells Celery that logging is set up."""


def run_worker(registry: Any, concurrency: int | None = None, queues: Sequence[QueueName] = QUEUES) -> int:
    """Work until SIGTERM (finish what is in hand) or SIGQUIT (drop it); answers the exit code."""
    core: Core = registry.core
    _leave_logging_alone()
    app = make_celery(registry)
    app.steps["worker"].add(RelayStep)
    # The task processes are forked from here, and a pool that they inherited would share its connections. The main
    # process opens none of its own afterwards: the relay brings an engine.
    core.close()
    worker = app.Worker(
        hostname=f"lms-{os.getpid()}@{socket.gethostname()}",
        concurrency=concurrency or core.settings.integer("lms.worker.concurrency"),
        queues=[_queue_name(queue) for queue in queues],
        optimization="fair",
        quiet=True,
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
    )
    # Celery tells at each loss of the connection what it may cancel in a version to come; it logs the loss anyhow.
    warnings.filterwarnings("ignore", category=CPendingDeprecationWarning)
    worker.start()
    return int(worker.exitcode or 0)


def run_beat(registry: Any) -> None:
    """Send the periodic tasks when they are due, until SIGTERM. When each ran last is kept in ``DATA/run``."""
    settings: Settings = registry.core.settings
    (settings.data / "run").mkdir(parents=True, exist_ok=True)
    _leave_logging_alone()
    make_celery(registry).Beat(quiet=True).run()


def add_periodic_task(
    config: "Configurator",
    name: str,
    handler: Callable[[TaskContext], None],
    *,
    every: float,
    queue: QueueName = "default",
) -> None:
    """Directive: run ``handler(context)`` every so many seconds, on one worker at a time. It must be idempotent.

    A name taken twice is a conflict.
    """
    if every < 1:
        raise ConfigurationError(f"periodic task {name}: every {every:g} s is too often; a second is the least")
    task = PeriodicTask(name, handler, every, queue)
    config.action(("lms.periodic_task", name), lambda: config.registry.periodic_tasks.update({name: task}))


def includeme(config: "Configurator") -> None:
    config.registry.periodic_tasks = {}
    config.add_directive("add_periodic_task", add_periodic_task)
    config.include("lms_core.kernel.upkeep")
