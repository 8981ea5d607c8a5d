"""Workers that are stopped and killed, with the queues in the data directory."""

import time
from collections.abc import Callable
from typing import Any

import psutil

from lms_core.settings import Settings
from tests.faults.conftest import Worker, until
from tests.functional.pipeline.support import Pipeline

StartWorker = Callable[[Settings], Worker]


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
    assert len(family) == 2
    began = time.monotonic()
    assert worker.stop() == 0
    assert time.monotonic() - began < 9, "`lms up` kills what takes longer than 10 s"
    _gone, alive = psutil.wait_procs(family, timeout=10)
    assert alive == []


def test_a_task_process_killed_in_the_middle(
    pipeline: Pipeline, fault_settings: Settings, start_worker: StartWorker
) -> None:
    worker = start_worker(fault_settings)
    marks = [fault_settings.data / f"{action}-holds" for action in ("one", "long")]
    pipeline.publish(12, 13, 14)
    until(lambda: all(mark.exists() and mark.read_text() for mark in marks), "both hold event 13")
    assert 13 not in pipeline.effects("one")
    for mark in marks:
        psutil.Process(int(mark.read_text())).kill()
    until(done(pipeline, 12, 13, 14), "each event once, after the lease")
    assert worker.process.is_running()
    assert pipeline.column("SELECT id FROM dead_letters") == []


def test_a_whole_worker_killed_in_the_middle(
    pipeline: Pipeline, fault_settings: Settings, start_worker: StartWorker
) -> None:
    worker = start_worker(fault_settings)
    marks = [fault_settings.data / f"{action}-holds" for action in ("one", "long")]
    pipeline.publish(13, 14)
    until(lambda: all(mark.exists() for mark in marks), "both hold event 13")
    worker.kill()
    assert 13 not in pipeline.effects("one")
    start_worker(fault_settings)
    until(done(pipeline, 13, 14), "another worker delivers each event once")


def test_a_main_process_killed_leaves_no_orphans(
    pipeline: Pipeline, fault_settings: Settings, start_worker: StartWorker
) -> None:
    worker = start_worker(fault_settings)
    pipeline.publish(1)
    until(done(pipeline, 1), "it works")
    children = worker.children()
    worker.process.kill()
    _gone, alive = psutil.wait_procs(children, timeout=20)
    assert alive == []
