"""Keeps processes running: starts them, starts the dead again, ends them all.

Each process leads a session and process group of its own: Ctrl-C in the terminal reaches the supervisor alone, and
what a killed web server or worker leaves behind is found and ended with its group. A warden watches the supervisor
itself (:mod:`lms_core.cli.up.warden`), so that not even SIGKILL leaves processes running for ever.
"""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from lms_core.cli.up import warden

GRACE = 10.0
"""Seconds a process may take to end in order, before it is killed."""
SUPERVISED = "LMS_SUPERVISED"
"""The variable that tells a process that it has a supervisor, which says where the server listens."""
_FIRST_DELAY, _LONGEST_DELAY = 0.5, 30.0
_STEADY = 60.0
"""Seconds of running after which a process counts as well again, and its next death as a first one."""

Log = Callable[[str], None]


class Stopped(BaseException):
    """SIGINT, SIGTERM or SIGHUP arrived in the middle of something long. No error: nothing should catch it."""


class Signals:
    """What asks the supervisor to stop. It is noted, and interrupts only where :meth:`interrupting` says so."""

    def __init__(self) -> None:
        self.stopping = False
        self._interrupts = False
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._arrived)
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # As `nohup` sets it.
            signal.signal(signal.SIGHUP, self._arrived)

    def _arrived(self, _number: int, _frame: object) -> None:
        self.stopping = True
        if self._interrupts:
            self._interrupts = False
            raise Stopped

    @contextmanager
    def interrupting(self) -> Iterator[None]:
        """Inside the block a signal raises :class:`Stopped` at once."""
        self._interrupts = True
        try:
            if self.stopping:
                raise Stopped
            yield
        finally:
            self._interrupts = False


@dataclass
class Service:
    """One process to be kept running. Times are seconds of the monotonic clock."""

    name: str
    command: Sequence[str]
    environ: Mapping[str, str]
    watched: bool = False
    """Whether it holds the end of a pipe that closes when the supervisor ends."""
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)
    started: float = field(default=0.0, init=False)
    due: float = field(default=0.0, init=False)
    deaths: int = field(default=0, init=False)

    def start(self) -> int:
        """Start the process, and answer its id."""
        self.process = subprocess.Popen(
            self.command,
            env=self.environ,
            stdin=subprocess.PIPE if self.watched else subprocess.DEVNULL,
            start_new_session=True,
        )
        self.started = time.monotonic()
        return self.process.pid

    def bury(self) -> str | None:
        """If it has died: what to say about it. Ends what it left of its group, and sets when it is due again."""
        if self.process is None or self.process.poll() is None:
            return None
        dead, self.process = self.process, None
        warden.end_group(dead.pid)
        if dead.stdin:
            with suppress(OSError):
                dead.stdin.close()
        now = time.monotonic()
        self.deaths = 1 if now - self.started > _STEADY else self.deaths + 1
        delay = min(_LONGEST_DELAY, _FIRST_DELAY * 2 ** (self.deaths - 1))
        self.due = now + delay
        return f"{self.name} (process {dead.pid}) ended {_how(dead.returncode)}; starting it again in {delay:g} s"


def _how(code: int) -> str:
    return f"by {signal.Signals(-code).name}" if code < 0 else f"with code {code}"


class Supervisor:
    """The services and the record of their processes, which the warden reads when the supervisor is gone."""

    def __init__(self, record: Path, log: Log, last_command: Sequence[str] = ()) -> None:
        self._record = record
        self._log = log
        program = (sys.executable, "-I", "-S", str(Path(warden.__file__).absolute()))
        watch = (*program, str(record), str(GRACE), *last_command)
        self._services = [Service("warden", watch, {}, watched=True)]

    def start(self, services: Sequence[Service]) -> None:
        """Start the warden first, then these."""
        self._services += services
        for service in self._services:
            self._start(service)

    def _start(self, service: Service) -> int:
        pid = service.start()
        running = {
            each.name: each.process.pid for each in self._services if each.process is not None and not each.watched
        }
        warden.write_record(self._record, running)
        return pid

    def dead(self) -> str | None:
        """What to say of a service that has ended, if one has: for the start, when nothing is started again."""
        for service in self._services:
            if service.process is not None and service.process.poll() is not None:
                return f"{service.name} ended {_how(service.process.returncode)} before it was ready"
        return None

    def tend(self) -> None:
        """Start again what has died, each after its delay. To be called a few times a second."""
        for service in self._services:
            epitaph = service.bury()
            if epitaph:
                self._log(epitaph)
            if service.process is None and time.monotonic() >= service.due:
                self._log(f"{service.name} started again as process {self._start(service)}")

    def stop(self) -> None:
        """End everything, the warden last; whatever is left after :data:`GRACE` seconds is killed."""
        if any(service.process for service in self._services):
            warden.end_recorded(self._record, GRACE)
        for service in reversed(self._services):
            if service.process is not None:
                if service.process.stdin:
                    with suppress(OSError):
                        service.process.stdin.close()
                service.process.wait()
                service.process = None


def take_over(folder: Path, log: Log) -> None:
    """End what an earlier supervisor, killed together with its warden, left running."""
    for record in sorted(folder.glob("up.*.json")):
        left = warden.end_recorded(record, GRACE)
        if left:
            log(f"ended what an earlier `lms up` had left running: {', '.join(left)}")
