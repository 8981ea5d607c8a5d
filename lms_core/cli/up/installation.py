"""The life of an ``lms up``: prepare the database, start the processes, tend them, end them."""

import http.client
import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from lms_core.cli import bootstrap, people
from lms_core.cli.failures import CommandError
from lms_core.cli.up import banner
from lms_core.cli.up.database import Database, let_go_command
from lms_core.cli.up.net import reachable
from lms_core.cli.up.supervisor import SUPERVISED, Log, Service, Signals, Stopped, Supervisor
from lms_core.settings import Settings

if TYPE_CHECKING:
    from lms_core.kernel.plugins import Plugins

_TICK = 0.2
_LIVE_LIMIT, _READY_LIMIT = 120.0, 15.0
"""Seconds from the start of the processes to the first answer, and from then until all they need is there."""


class Installation:
    """Everything that one ``lms up`` runs on one data directory.

    ``run`` is the folder for what only matters while it runs, ``address`` host and port. Must be made in the main
    thread, where signals arrive.
    """

    def __init__(self, settings: Settings, plugins: "Plugins", run: Path, address: tuple[str, int], log: Log) -> None:
        self._settings = settings
        self._plugins = plugins
        self._address = address
        self._log = log
        self._console = Console(highlight=False)
        self._database = Database(settings, log)
        self._supervisor = Supervisor(run / f"up.{os.getpid()}.json", log, let_go_command(settings.data))
        self._administrator: banner.Administrator | None = None
        self._announced = False

    def live(self, ini: Path, signals: Signals) -> None:
        """Run until a signal stops it. Raises CommandError where the start fails; nothing is left running."""
        try:
            with signals.interrupting(), self._console.status("Preparing the database"):
                self._prepare()
            self._supervisor.start(services(self._settings, ini, self._address))
            with self._console.status("Starting"):
                self._await_answer(signals)
            self._announce()
            while not signals.stopping:
                self._supervisor.tend()
                with signals.interrupting():
                    self._database.tend()
                time.sleep(_TICK)
        finally:
            self._end()

    def _prepare(self) -> None:
        url = self._database.start()
        self._settings = self._settings.replace(sqlalchemy__url=url)
        self._database.migrate(self._plugins)
        # Also so that what is wrong with the settings is said here, and not by each process again.
        with bootstrap.application(self._settings, self._plugins) as registry:
            self._administrator = people.first_administrator(registry.core, os.environ)

    def _await_answer(self, signals: Signals) -> None:
        """Return when the web server is ready, or lives and just lacks something that may come later."""
        begin = time.monotonic()
        live_since: float | None = None
        while (status := _status(self._address, "/health/ready")) != 200:
            now = time.monotonic()
            if signals.stopping:
                raise Stopped
            if dead := self._supervisor.dead():
                raise CommandError(dead)
            if live_since is None and now - begin > _LIVE_LIMIT:
                raise CommandError(f"the web server did not answer within {_LIVE_LIMIT:.0f} s")
            if status is not None:
                live_since = live_since or now
                if now - live_since > _READY_LIMIT:
                    self._log("the web server answers but is not ready; /health/ready says what it lacks")
                    return
            time.sleep(0.05)

    def _announce(self) -> None:
        host, port = self._address
        mail = self._settings.data / "mail" if self._settings.text("lms.mail.url") == "file:" else None
        url = f"http://{reachable(host)}:{port}"
        banner.announce(self._console, url, self._settings.data, mail, self._administrator)
        self._announced = True

    def _end(self) -> None:
        """End the processes, then the database. A password nobody has seen yet is shown before it is lost."""
        if self._administrator and not self._announced:
            banner.show(self._console, "First start", banner.sign_in(self._administrator))
        with self._console.status("Stopping"):
            try:
                self._supervisor.stop()
            finally:
                self._database.stop()


def services(settings: Settings, ini: Path, address: tuple[str, int]) -> list[Service]:
    """The processes of an installation: each a command of ours with exactly these settings in its environment."""
    host, port = address
    program = (sys.executable, "-m", "lms_core.cli")
    environ: Mapping[str, str] = {
        **{name: value for name, value in os.environ.items() if not name.startswith("LMS_ADMIN_")},
        **settings.as_environ(),
        "LMS_INI": str(ini),
        "PYTHONUNBUFFERED": "1",
        SUPERVISED: "1",
    }
    return [
        Service("web", (*program, "serve", "--host", host, "--port", str(port)), environ),
        Service("worker", (*program, "worker"), environ),
        Service("beat", (*program, "beat"), environ),
    ]


def _status(address: tuple[str, int], path: str) -> int | None:
    """The status of a GET on our own web server, or None where nobody answers."""
    host, port = address
    connection = http.client.HTTPConnection(reachable(host).strip("[]"), port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
