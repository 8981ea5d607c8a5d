"""Real worker processes, and a broker that can be stopped."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
from kombu import Connection

from lms_core.settings import Settings
from tests.functional.pipeline.support import Pipeline, ThingDone, kernel, noting

ROOT = Path(__file__).resolve().parents[2]
SERVICES = ROOT / "tests" / "services" / "services"
PATIENCE = 60.0
"""Seconds that something may take on a busy machine."""


def until(condition: Callable[[], Any], what: str, seconds: float = PATIENCE) -> float:
    """Wait until the condition holds; answers how many seconds that took."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < seconds, f"still not: {what}"
        time.sleep(0.05)
    return time.monotonic() - began


class Worker:
    """A worker process; its task processes are its children."""

    def __init__(self, settings: Settings, log: Path) -> None:
        environ = {**os.environ, **settings.as_environ(), "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore"}
        self._log = log
        with log.open("ab") as file:
            self.process = psutil.Popen(
                [sys.executable, str(ROOT / "tests" / "faults" / "program.py")],
                env=environ, stdout=file, stderr=file, start_new_session=True,
            )  # fmt: skip

    @property
    def log(self) -> str:
        return self._log.read_text(errors="replace")

    def children(self) -> list[psutil.Process]:
        return list(self.process.children(recursive=True)) if self.process.is_running() else []

    def stop(self) -> int:
        """SIGTERM, as ``lms up`` sends it; answers the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return int(self.process.wait(PATIENCE))

    def kill(self) -> None:
        """SIGKILL to every process of it at once."""
        family = [self.process, *self.children()]
        for process in family:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(family)


@pytest.fixture
def fault_settings(settings: Settings, tmp_path: Path) -> Settings:
    """A data directory of its own, and leases short enough to wait for."""
    return settings.replace(lms__data=tmp_path, lms__outbox__lease=3.0, lms__log__level="info")


@pytest.fixture
def pipeline(fault_settings: Settings) -> Iterator[Pipeline]:
    """The events that the workers serve, seen from outside."""
    config = kernel(fault_settings)
    config.add_event_subscriber(ThingDone, "test.one", noting("one"))
    config.add_event_subscriber(ThingDone, "test.long", noting("long"), queue="long")
    config.commit()
    yield Pipeline(config)
    config.registry.core.close()


@pytest.fixture
def start_worker(tmp_path: Path) -> Iterator[Callable[[Settings], Worker]]:
    workers: list[Worker] = []

    def start(settings: Settings) -> Worker:
        workers.append(Worker(settings, tmp_path / f"worker-{len(workers)}.log"))
        return workers[-1]

    yield start
    for worker in workers:
        worker.kill()


class Broker:
    """The RabbitMQ of the tests, to stop and start."""

    def __init__(self, url: str) -> None:
        self.url = url

    def run(self, verb: str) -> str:
        done = subprocess.run(
            [sys.executable, SERVICES, verb, "rabbitmq"], capture_output=True, text=True, timeout=300, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def purge(self) -> None:
        """Remove what other tests left in the queues."""
        with Connection(self.url) as connection:
            for queue in ("lms.default", "lms.long"):
                with suppress(*connection.channel_errors):
                    connection.channel().queue_delete(queue)


@pytest.fixture
def broker(amqp_url: str) -> Iterator[Broker]:
    broker = Broker(amqp_url)
    if amqp_url not in broker.run("env"):
        pytest.fail(f"the broker at {amqp_url} is not run by {SERVICES}, so it cannot be stopped", pytrace=False)
    broker.purge()
    yield broker
    broker.run("start")
    broker.purge()
