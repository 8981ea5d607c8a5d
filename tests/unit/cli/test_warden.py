"""The warden ends process groups by a record, and nobody else."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from lms_core.cli.up import warden

Start = Callable[[str], subprocess.Popen[bytes]]

SLEEPS = "import time; time.sleep(600)"
HAS_A_CHILD = "import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); time.sleep(600)"


@pytest.fixture
def start() -> Iterator[Start]:
    started: list[subprocess.Popen[bytes]] = []

    def run(program: str) -> subprocess.Popen[bytes]:
        process = subprocess.Popen([sys.executable, "-c", program], start_new_session=True, stdout=subprocess.PIPE)
        started.append(process)
        return process

    yield run
    for process in started:
        warden.end_group(process.pid)
        process.communicate()


def child_of(process: subprocess.Popen[bytes]) -> psutil.Process:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        if children := psutil.Process(process.pid).children():
            return children[0]
        time.sleep(0.02)
    raise AssertionError("it has no child")


def gone(process: psutil.Process) -> bool:
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


def test_a_recorded_process_is_ended_in_order(start: Start, tmp_path: Path) -> None:
    process, other = start(SLEEPS), start(SLEEPS)
    warden.write_record(tmp_path / "record", {"web": process.pid})

    assert warden.end_recorded(tmp_path / "record", grace=10) == ["web"]

    assert process.wait(5) == -signal.SIGTERM
    assert other.poll() is None
    assert not (tmp_path / "record").exists()


def test_one_that_ignores_sigterm_is_killed_after_its_grace(start: Start, tmp_path: Path) -> None:
    process = start(DEAF)
    assert process.stdout is not None
    process.stdout.readline()
    warden.write_record(tmp_path / "record", {"web": process.pid})

    warden.end_recorded(tmp_path / "record", grace=0.2)

    assert process.wait(5) == -signal.SIGKILL


@pytest.mark.parametrize("leader_died_before", [True, False])
def test_what_a_leader_leaves_behind_is_killed(start: Start, tmp_path: Path, leader_died_before: bool) -> None:
    process = start(HAS_A_CHILD + "time.sleep(600)")
    child = child_of(process)
    warden.write_record(tmp_path / "record", {"web": process.pid})
    if leader_died_before:
        process.kill()
        process.wait()

    assert warden.end_recorded(tmp_path / "record", grace=5) == ["web"]

    assert gone(child)


def test_a_process_that_only_got_the_same_number_is_left_alone(start: Start, tmp_path: Path) -> None:
    process = start(SLEEPS)
    record = tmp_path / "record"
    warden.write_record(record, {"web": process.pid})
    written = json.loads(record.read_text())
    written["groups"]["web"][1] -= 1
    record.write_text(json.dumps(written))

    assert warden.end_recorded(record, grace=5) == []

    assert process.poll() is None


@pytest.mark.parametrize("content", ["", "{", '{"boot": "another", "groups": {"web": [1, 1]}}', '{"groups": 3}', "[]"])
def test_a_record_of_another_boot_or_a_damaged_one_names_nobody(tmp_path: Path, content: str) -> None:
    (tmp_path / "record").write_text(content)

    assert warden.read_record(tmp_path / "record") == {}
    assert warden.read_record(tmp_path / "none") == {}


def test_it_acts_when_its_input_ends_and_runs_the_last_command(start: Start, tmp_path: Path) -> None:
    process = start(SLEEPS)
    record, mark = tmp_path / "record", tmp_path / "mark"
    warden.write_record(record, {"web": process.pid})
    watch = subprocess.Popen(
        [sys.executable, "-I", "-S", str(Path(warden.__file__)), str(record), "5", "/usr/bin/touch", str(mark)],
        stdin=subprocess.PIPE,
    )
    time.sleep(0.3)
    os.kill(watch.pid, signal.SIGTERM)  # As to everybody at once; the warden stays to the end.
    time.sleep(0.2)
    assert process.poll() is None

    watch.communicate()

    assert process.wait(5) == -signal.SIGTERM
    assert watch.returncode == 0
    assert mark.exists()


def test_without_a_record_it_does_nothing(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    command = [sys.executable, "-I", "-S", str(Path(warden.__file__)), str(tmp_path / "none"), "5", "touch", str(mark)]

    subprocess.run(command, input=b"", check=True)

    assert not mark.exists()
