"""Starts a service, finds its processes again, and ends them.

A service's processes are known by a mark in their environment, not by a file of process ids: a number left over
from before a reboot can then never name a stranger, and a child that leaves its process group (epmd) is found too.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

MARK = "LMS_SERVICE_FOLDER"
LOOPBACK = "127.0.0.1"


class ServiceError(Exception):
    """What a person has to know, in one message."""


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Waits until no other call starts or ends the service of this folder: tests may run in several processes."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def processes(folder: Path) -> list[int]:
    """The living processes started for the service of this folder; zombies have no environment, so they don't count."""
    mark = f"{MARK}={folder}".encode()
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            # It may end while we look, or belong to somebody else.
            with contextlib.suppress(OSError):
                if mark in (entry / "environ").read_bytes().split(b"\0"):
                    found.append(int(entry.name))
    return found


def run(command: Sequence[str], environment: Mapping[str, str] | None = None) -> None:
    """Runs a command to its end, silently; what it wrote is the error's message when it fails."""
    done = subprocess.run(
        command,
        env={**os.environ, **(environment or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        raise ServiceError(f"{' '.join(command)} failed:\n{done.stdout}")


def spawn(folder: Path, command: Sequence[str], environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """Starts the command in a session of its own, detached from the caller, writing to `log` in its folder."""
    with (folder / "log").open("wb") as log:
        return subprocess.Popen(
            command,
            cwd=folder,
            env={**os.environ, **environment, MARK: str(folder)},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def end(folder: Path, by: signal.Signals, grace: float = 30.0) -> None:
    """Sends the signal to every process of the service and waits; what is left after `grace` seconds is killed."""
    give_up = time.monotonic() + grace
    _send(folder, by)
    while processes(folder):
        # One that was just being forked has missed a SIGKILL, so that one is sent again.
        if by is signal.SIGKILL or time.monotonic() > give_up:
            _send(folder, signal.SIGKILL)
        time.sleep(0.05)


def _send(folder: Path, number: signal.Signals) -> None:
    for process in processes(folder):
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, number)


def in_use(port: int) -> bool:
    """Whether something listens on the port on loopback, or on every address."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((LOOPBACK, port)) == 0


def ask(port: int, request: bytes, size: int = 64) -> bytes:
    """Sends the bytes to the port and returns the first bytes of the answer, none when nobody answers within 2 s."""
    with contextlib.suppress(OSError), socket.create_connection((LOOPBACK, port), timeout=2) as peer:
        peer.sendall(request)
        return peer.recv(size)
    return b""
