"""The database of an ``lms up``: an embedded one is started, kept running and let go; any is migrated."""

import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from lms_core.cli.up.supervisor import Log
from lms_core.kernel import embedded
from lms_core.settings import EMBEDDED, Settings

if TYPE_CHECKING:
    from lms_core.kernel.plugins import Plugins

_EVERY = 1.0
"""Seconds between two looks at the embedded server."""
_PAUSE = 2.0
"""Seconds until the next try where it could not be started again."""


class Database:
    """The database that the settings name."""

    def __init__(self, settings: Settings, log: Log) -> None:
        self._data = settings.data
        self._log = log
        self._url = settings.text("sqlalchemy.url")
        self._embedded = self._url == EMBEDDED
        self._held = ExitStack()
        self._next_look = 0.0

    def start(self) -> str:
        """The URL of the database, which for the embedded one is started or joined, and held."""
        if self._embedded:
            self._url = self._held.enter_context(embedded.server(self._data))
        return self._url

    def migrate(self, plugins: "Plugins") -> None:
        """Bring the schema to the newest revisions, plugins' branches included."""
        from lms_core.kernel.migrations import upgrade

        upgrade(self._url, plugins.gather("lms_migrations"))

    def tend(self) -> None:
        """Start the embedded server again if it has died. To be called a few times a second."""
        now = time.monotonic()
        if not self._embedded or now < self._next_look:
            return
        self._next_look = now + _EVERY
        if embedded.running(self._data):
            return
        self._log("the embedded PostgreSQL has ended; starting it again")
        try:
            embedded.revive(self._data)
        except (embedded.EmbeddedError, OSError) as error:
            self._log(f"the embedded PostgreSQL could not be started: {error}")
            self._next_look = time.monotonic() + _PAUSE
        else:
            self._log("the embedded PostgreSQL started again")

    def stop(self) -> None:
        """Let go of the embedded server, which stops unless some other command is at work with it."""
        self._held.close()
        if self._embedded:
            let_go(self._data)


def let_go(data: Path) -> None:
    """Stop an embedded server that nobody holds: one whose start was interrupted, or whose holders were killed."""
    if embedded.running(data):
        with embedded.server(data):
            pass


def let_go_command(data: Path) -> tuple[str, ...]:
    """The command line that does so in a process of its own."""
    return (sys.executable, "-m", __name__, str(data))


if __name__ == "__main__":
    let_go(Path(sys.argv[1]))
