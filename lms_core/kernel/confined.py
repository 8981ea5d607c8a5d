"""Running a program over what strangers sent: within bounds of time, memory and output, and never through a shell.

The program is started by this very file, run as a script by an interpreter that knows nothing of ours: it sets the
limits and becomes the program. So nothing runs between fork and exec in a process that may have threads.
"""

import ctypes
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Literal

Problem = Literal["tool_missing", "unreadable", "too_complex"]
"""Why a program has no answer: it is not installed, it failed, or it took more than it was given."""

_OPEN_FILES = 64
_EXHAUSTED = frozenset({signal.SIGKILL, signal.SIGXCPU, signal.SIGXFSZ})
_PR_SET_PDEATHSIG = 1


class ProgramError(Exception):
    """A program that has no answer."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem)
        self.problem = problem


def run_confined(command: Sequence[str], *, folder: Path, seconds: float, memory: int, output: int) -> bytes:
    """What the program writes to its standard output, once it has ended well. Raises :class:`ProgramError`.

    It works in ``folder``, has ``memory`` bytes to itself, and may write ``output`` bytes to each file; after
    ``seconds`` of the clock, or as many of the processor, it is killed with all that it started. It ends when we do.
    """
    program = shutil.which(command[0])
    if program is None:
        raise ProgramError("tool_missing")
    limits = [str(int(limit)) for limit in (memory, seconds + 1, output)]
    environ = {"PATH": os.environ.get("PATH", os.defpath), "LANG": "C.UTF-8", "HOME": str(folder)}
    with tempfile.TemporaryFile(dir=folder) as answer:
        child = subprocess.Popen(
            [sys.executable, "-I", "-S", __file__, *limits, program, *command[1:]],
            stdin=subprocess.DEVNULL,
            stdout=answer,
            stderr=subprocess.DEVNULL,
            cwd=folder,
            env={**environ, "TMPDIR": str(folder)},
            start_new_session=True,
        )
        try:
            code = child.wait(seconds)
        except subprocess.TimeoutExpired:
            raise ProgramError("too_complex") from None
        finally:
            _end(child)
        if code != 0:
            raise ProgramError("too_complex" if -code in _EXHAUSTED else "unreadable")
        answer.seek(0)
        return answer.read(output)


def _end(child: subprocess.Popen[bytes]) -> None:
    """Whatever is left of its session goes with it."""
    with suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()


def _become(memory: str, seconds: str, output: str, *command: str) -> None:
    for kind, wanted in (
        (resource.RLIMIT_AS, int(memory)),
        (resource.RLIMIT_CPU, int(seconds)),
        (resource.RLIMIT_FSIZE, int(output)),
        (resource.RLIMIT_NOFILE, _OPEN_FILES),
        (resource.RLIMIT_CORE, 0),
    ):
        most = resource.getrlimit(kind)[1]
        limit = wanted if most == resource.RLIM_INFINITY else min(wanted, most)
        resource.setrlimit(kind, (limit, limit))
    # Ignored by the interpreter, and what is ignored stays so in the program: it would never be told to stop.
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    os.execv(command[0], command)  # noqa: S606  # A shell is what it must not have.


if __name__ == "__main__":
    _become(*sys.argv[1:])
