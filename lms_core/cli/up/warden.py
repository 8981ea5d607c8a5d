"""Ends the processes of an ``lms up``: called by it when it stops, and run beside it in case it cannot.

``lms up`` keeps a record of what it started, each process the leader of a group of its own. This file is also a
program: it waits on its standard input, which ends when ``lms up`` ends, however that happens; what stands in the
record then is ended, and afterwards a last command is run (the one that lets go of the embedded database).
It imports nothing but the standard library, so that this watch costs a few megabytes.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

_KILL_LIMIT = 5.0
"""Seconds until a killed process must have gone; one that waits for a dead disk may take longer."""


class Group(NamedTuple):
    """A process group by its leader; ``started`` (clock ticks since boot) tells it from a later one so numbered."""

    leader: int
    started: int


class _Process(NamedTuple):
    pid: int
    group: int
    started: int


def write_record(record: Path, leaders: Mapping[str, int]) -> None:
    """Write down the groups by name, given the process ids of their leaders; the dead are left out."""
    groups = {name: (pid, found.started) for name, pid in leaders.items() if (found := _living(pid))}
    draft = record.with_suffix(".new")
    draft.write_text(json.dumps({"boot": _boot(), "groups": groups}))
    draft.replace(record)


def read_record(record: Path) -> dict[str, Group]:
    """The groups of the record by name; none where there is no record or the machine was restarted since."""
    try:
        written = json.loads(record.read_text())
        if written["boot"] != _boot():
            return {}
        return {str(name): Group(int(pid), int(started)) for name, (pid, started) in written["groups"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def end_recorded(record: Path, grace: float) -> list[str]:
    """End every group of the record, and remove it; answers the names of those that were still there.

    Each leader gets SIGTERM, to end its own children in order. When the leaders have gone, or after ``grace``
    seconds, whatever is left of the groups gets SIGKILL.
    """
    groups = read_record(record)
    there = members(groups)
    for name, pids in there.items():
        if groups[name].leader in pids:
            with suppress(ProcessLookupError):
                os.kill(groups[name].leader, signal.SIGTERM)
    left = there
    deadline = time.monotonic() + grace
    while time.monotonic() < deadline and any(groups[name].leader in pids for name, pids in left.items()):
        time.sleep(0.05)
        left = members(groups)
    for name in left:
        end_group(groups[name].leader)
    deadline = time.monotonic() + _KILL_LIMIT
    while time.monotonic() < deadline and members(groups):
        time.sleep(0.02)
    record.unlink(missing_ok=True)
    return list(there)


def end_group(leader: int) -> None:
    """SIGKILL to a whole process group, if there is one."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)


def members(groups: Mapping[str, Group]) -> dict[str, set[int]]:
    """The living processes of each group, by its name; empty groups are left out.

    A group can outlive its leader; as long as it does, the kernel gives its number to no other process.
    """
    seen = tuple(_processes())
    starts = {process.pid: process.started for process in seen}
    found = {
        name: {process.pid for process in seen if process.group == leader}
        for name, (leader, started) in groups.items()
        if starts.get(leader, started) == started
    }
    return {name: pids for name, pids in found.items() if pids}


def _processes() -> Iterator[_Process]:
    for name in os.listdir("/proc"):
        if name.isdigit() and (process := _living(int(name))):
            yield process


def _living(pid: int) -> _Process | None:
    """What ``/proc`` says of a process; None for a zombie. Its name, in brackets, may hold anything."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] in "ZX" else _Process(pid, group=int(fields[2]), started=int(fields[19]))


def _boot() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def main(record: str, grace: str, *last: str) -> None:
    # Who ends everything with one signal to the whole session shall not end this first.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    sys.stdin.buffer.read()
    if Path(record).exists():
        end_recorded(Path(record), float(grace))
        if last:
            subprocess.run(last, check=False)


if __name__ == "__main__":
    main(*sys.argv[1:])
