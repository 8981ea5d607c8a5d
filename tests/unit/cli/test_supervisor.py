"""What dies is started again, what is stopped stays stopped."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lms_core.cli.up.supervisor import Service, Signals, Stopped, Supervisor, take_over
from lms_core.cli.up.warden import read_record

SLEEPS = (sys.executable, "-c", "import time; time.sleep(600)")


@pytest.fixture
def log() -> list[str]:
    return []


@pytest.fixture
def supervisor(tmp_path: Path, log: list[str]) -> Iterator[Supervisor]:
    made = Supervisor(tmp_path / "up.1.json", log.append)
    yield made
    made.stop()


def service(*command: str) -> Service:
    return Service("web", command or SLEEPS, dict(os.environ))


def pid(service: Service) -> int:
    assert service.process is not None
    return service.process.pid


def tend_until(supervisor: Supervisor, done: Callable[[], bool]) -> float:
    """Tend until it is done; how many seconds that took."""
    begin = time.monotonic()
    while not done():
        assert time.monotonic() < begin + 20, "it did not happen"
        supervisor.tend()
        time.sleep(0.02)
    return time.monotonic() - begin


def test_a_killed_process_is_started_again_with_a_log_line(
    supervisor: Supervisor, log: list[str], tmp_path: Path
) -> None:
    web = service()
    supervisor.start([web])
    first = pid(web)
    os.kill(first, signal.SIGKILL)

    tend_until(supervisor, lambda: len(log) == 2)

    assert log == [
        f"web (process {first}) ended by SIGKILL; starting it again in 0.5 s",
        f"web started again as process {pid(web)}",
    ]
    assert read_record(tmp_path / "up.1.json")["web"].leader == pid(web)


def test_one_that_keeps_dying_waits_longer_each_time(supervisor: Supervisor, log: list[str]) -> None:
    supervisor.start([service(sys.executable, "-c", "raise SystemExit(3)")])

    took = tend_until(supervisor, lambda: len(log) == 5)

    assert [line.rpartition("in ")[2] for line in log[::2]] == ["0.5 s", "1 s", "2 s"]
    assert took >= 1.5


def test_the_death_of_a_service_before_it_was_ready_is_told(supervisor: Supervisor) -> None:
    web = service(sys.executable, "-c", "raise SystemExit(3)")
    supervisor.start([web])
    assert web.process is not None
    web.process.wait(10)

    assert supervisor.dead() == "web ended with code 3 before it was ready"


def test_stopping_ends_everything_and_removes_the_record(supervisor: Supervisor, tmp_path: Path) -> None:
    supervisor.start([service()])
    leader = read_record(tmp_path / "up.1.json")["web"].leader

    supervisor.stop()

    with pytest.raises(ProcessLookupError):
        os.kill(leader, 0)
    assert list(tmp_path.iterdir()) == []


def test_a_successor_ends_what_was_left_behind(tmp_path: Path, log: list[str]) -> None:
    left = Supervisor(tmp_path / "up.7.json", log.append)
    web = service()
    left.start([web])

    take_over(tmp_path, log.append)

    assert web.process is not None
    assert web.process.wait(5) == -signal.SIGTERM
    assert log == ["ended what an earlier `lms up` had left running: web"]
    left.stop()


@pytest.fixture
def signals() -> Iterator[Signals]:
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.getsignal(number) for number in numbers]
    yield Signals()
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)


def test_a_signal_is_noted_and_interrupts_only_what_says_so(signals: Signals) -> None:
    os.kill(os.getpid(), signal.SIGTERM)
    assert signals.stopping

    with pytest.raises(Stopped), signals.interrupting():
        pytest.fail("it had arrived before")


def test_a_signal_interrupts_what_takes_long(signals: Signals) -> None:
    killer = subprocess.Popen(["/bin/sh", "-c", f"sleep 0.2; kill -INT {os.getpid()}"])
    with pytest.raises(Stopped), signals.interrupting():
        time.sleep(20)
    killer.wait()

    os.kill(os.getpid(), signal.SIGINT)  # The second one, of an impatient hand, breaks no orderly end.
