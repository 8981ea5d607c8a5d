"""The program that starts the real services finds what it started, ends all of it, and leaves strangers alone."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.services import process

PROGRAM = Path(__file__).with_name("services")

# It ignores SIGTERM when told to, and has a child that leaves its session, as a broker's epmd does.
DAEMON = """
import signal, subprocess, sys, time
if "stubborn" in sys.argv:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
if "parent" in sys.argv:
    subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
print("ready", flush=True)
time.sleep(600)
"""


@pytest.fixture
def spawn(tmp_path: Path) -> Iterator[Callable[..., Path]]:
    """Starts the daemon above, waits until it stands, and answers its folder."""
    started = []

    def start(*manners: str) -> Path:
        started.append(process.spawn(tmp_path, [sys.executable, "-c", DAEMON, *manners], {}))
        give_up = time.monotonic() + 20
        while "ready" not in (tmp_path / "log").read_text():
            assert time.monotonic() < give_up
            time.sleep(0.02)
        return tmp_path

    yield start
    process.end(tmp_path, signal.SIGKILL)
    for daemon in started:
        daemon.wait()


def services(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, PROGRAM, *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_child_that_left_its_session_is_found_and_ended(spawn: Callable[..., Path]) -> None:
    folder = spawn("parent")
    assert len(process.processes(folder)) == 2
    process.end(folder, signal.SIGTERM)
    assert process.processes(folder) == []


def test_what_ignores_sigterm_is_killed_when_its_grace_is_over(spawn: Callable[..., Path]) -> None:
    folder = spawn("stubborn")
    process.end(folder, signal.SIGTERM, grace=0.2)
    assert process.processes(folder) == []


def test_a_service_of_another_folder_is_a_stranger(spawn: Callable[..., Path]) -> None:
    folder = spawn()
    process.end(folder / "other", signal.SIGKILL)
    assert len(process.processes(folder)) == 1


def test_a_port_of_a_stranger_is_named_and_so_is_the_way_out(tmp_path: Path) -> None:
    with socket.create_server((process.LOOPBACK, 0)) as stranger:
        port = str(stranger.getsockname()[1])
        done = services("start", "redis", LMS_SERVICES_DIR=str(tmp_path), LMS_SERVICE_REDIS_PORT=port)
    assert done.returncode == 1
    assert done.stderr == (f"redis: port {port} is in use by another process; LMS_SERVICE_REDIS_PORT names another\n")


def test_what_does_not_run_has_no_variables(tmp_path: Path) -> None:
    done = services("env", LMS_SERVICES_DIR=str(tmp_path))
    assert (done.returncode, done.stdout) == (0, "")
