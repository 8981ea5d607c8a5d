"""The embedded broker: kombu's ``filesystem`` transport, with messages that appear and are taken in one step.

A message is a file in one folder. kombu itself writes it under its final name, where a consumer may read it half
written, and takes it by a move that is a copy where the temporary folder is another file system, so that two may
have it. Here both are a rename within the folder. Nothing is acknowledged: a message that a killed worker held is
gone, and the outbox sends it again.
"""

import json
import os
import time
import uuid
from pathlib import Path
from queue import Empty
from typing import Any

from kombu.transport import filesystem

POLL = 0.05
"""Seconds between looks at the folder."""
ABANDONED = 3600.0
"""Seconds after which a hidden file is what a killed process left."""


def transport_options(folder: Path) -> dict[str, Any]:
    """The options of a connection whose queues lie in ``folder``, which is made."""
    messages, control = folder / "messages", folder / "control"
    for each in (messages, control):
        each.mkdir(parents=True, exist_ok=True)
    for leftover in messages.glob(".*"):
        if time.time() - leftover.stat().st_mtime > ABANDONED:
            leftover.unlink(missing_ok=True)
    return {
        "data_folder_in": str(messages),
        "data_folder_out": str(messages),
        "control_folder": str(control),
        "polling_interval": POLL,
    }


class Channel(filesystem.Channel):
    def _put(self, queue: Any, payload: Any, **_options: Any) -> None:  # type: ignore[override]  # Its bases disagree.
        name = f"{time.time_ns():020d}-{uuid.uuid4().hex}.{queue}.msg"
        folder = Path(self.data_folder_out)
        draft = folder / f".{name}"
        draft.write_text(json.dumps(payload))
        draft.rename(folder / name)

    def _get(self, queue: Any, timeout: Any = None) -> Any:
        folder = Path(self.data_folder_in)
        for name in sorted(os.listdir(folder)):
            # A hidden one begins with the dot, so its name is never that of a queue.
            if name.partition(".")[2] != f"{queue}.msg":
                continue
            taken = folder / f".{name}"
            try:
                (folder / name).rename(taken)
            except FileNotFoundError:  # Another worker was faster.
                continue
            payload = json.loads(taken.read_text())
            taken.unlink()
            return payload
        raise Empty


class Transport(filesystem.Transport):
    Channel = Channel

    def drain_events(self, connection: Any, timeout: float | None = None, **_options: Any) -> Any:
        """One look at the folder, so that a worker soon notices that it shall stop: it waits 2 s by default."""
        drain: Any = super().drain_events
        return drain(connection, min(timeout or POLL, POLL))
