"""Databases for a test run: one server, one migrated template, one copy of it per process, cleaned after each test.

The processes of a run (pytest-xdist's controller and workers) share a folder. The first that needs the database
starts the embedded server there, or takes ``LMS_TEST_DATABASE_URL``, and migrates the template; the others wait
for it and join. A run that was killed leaves a folder behind, and the next run clears it away.
"""

import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.resources import files
from pathlib import Path
from typing import LiteralString

import psycopg
from psycopg import sql
from sqlalchemy import make_url

from lms_core.kernel import embedded

URL_VARIABLE = "LMS_TEST_DATABASE_URL"
"""Names a PostgreSQL whose role may create databases and set ``session_replication_role`` (a superuser, or granted)."""

_ABANDONED_AFTER = 60.0
"""Seconds after which a run's folder without a lock file can no longer be one that is just being made."""


class Run:
    """A test run. The process that made the folder owns it: it ends the server and removes the folder."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._lock: int | None = None

    @property
    def folder(self) -> Path:
        """The folder the processes share, made when first asked for."""
        if self._folder is None:
            home = Path(tempfile.gettempdir()) / f"lms-tests-{os.geteuid()}"
            home.mkdir(mode=0o711, exist_ok=True)
            _sweep(home)
            self._folder = Path(tempfile.mkdtemp(prefix="run", dir=home))
            self._lock = os.open(self._folder / "alive", os.O_RDWR | os.O_CREAT, 0o600)
            fcntl.flock(self._lock, fcntl.LOCK_SH)
        return self._folder

    def close(self) -> None:
        """End what the run started, if this process owns it."""
        if self._lock is None or self._folder is None:
            return
        _remove(self._folder)
        os.close(self._lock)
        self._lock = self._folder = None


def _sweep(home: Path) -> None:
    """Remove the folders of runs that nobody lives in any more."""
    for folder in home.iterdir():
        try:
            lock = os.open(folder / "alive", os.O_RDWR)
        except FileNotFoundError:
            with suppress(FileNotFoundError):  # Its owner has just removed it.
                if time.time() - folder.stat().st_mtime > _ABANDONED_AFTER:
                    _remove(folder)
            continue
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            continue
        else:
            _remove(folder)
        finally:
            os.close(lock)


def _remove(folder: Path) -> None:
    embedded.stop_server(folder)
    external = os.environ.get(URL_VARIABLE)
    if external:
        with psycopg.connect(libpq(external), autocommit=True) as connection:
            found = connection.execute(
                "SELECT datname FROM pg_database WHERE starts_with(datname, %s)", [_prefix(folder)]
            ).fetchall()
            for (name,) in found:
                _drop(connection, name)
    shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def new_data_folder(run: Run) -> Iterator[Path]:
    """An empty data directory, for an installation or a server of its own; ended and removed afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="data", dir=run.folder))
    try:
        yield folder
    finally:
        embedded.stop_server(folder)
        shutil.rmtree(folder, ignore_errors=True)


class Server:
    """The server of a run, and the databases on it."""

    def __init__(self, url: str, folder: Path) -> None:
        self._url = libpq(url)
        self._folder = folder
        self._prefix = _prefix(folder)

    def create(self, name: str, template: str = "template1") -> str:
        """Create a database, in place of one of that name, and return its URL."""
        full = self._prefix + name
        with psycopg.connect(self._url, autocommit=True) as connection:
            _drop(connection, full)
            connection.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(full), sql.Identifier(template))
            )
        return self._at(full)

    def drop(self, name: str) -> None:
        """Drop a database, whoever is connected to it."""
        with psycopg.connect(self._url, autocommit=True) as connection:
            _drop(connection, self._prefix + name)

    def template(self) -> str:
        """The name of a migrated database to copy, made by the first who asks."""
        ready, draft = self._prefix + "template", self._prefix + "draft"
        with open(self._folder / "template.lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            with psycopg.connect(self._url, autocommit=True) as connection:
                if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [ready]).fetchone():
                    _migrate(self.create("draft"))
                    connection.execute(
                        sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(draft), sql.Identifier(ready))
                    )
        return ready

    def _at(self, database: str) -> str:
        return make_url(self._url).set(database=database).render_as_string(hide_password=False)


@contextmanager
def open_server(run: Run) -> Iterator[Server]:
    """The run's server: the one ``LMS_TEST_DATABASE_URL`` names, or the embedded one."""
    external = os.environ.get(URL_VARIABLE)
    if external:
        yield Server(external, run.folder)
    else:
        with embedded.server(run.folder, embedded.DISPOSABLE) as url:
            yield Server(url, run.folder)


def libpq(url: str) -> str:
    """The URL as psycopg itself takes it: without the driver that SQLAlchemy wants named."""
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


def _migrate(url: str) -> None:
    """To the heads of the core and of every installed plugin, so that its author's tests find its tables."""
    from lms_core import HOOKS
    from lms_core.kernel.migrations import upgrade
    from lms_core.kernel.plugins import Plugins

    upgrade(url, Plugins(HOOKS).gather("lms_migrations"))


def _prefix(folder: Path) -> str:
    return f"lms_test_{folder.name.lower()}_"


def _drop(connection: psycopg.Connection, name: str) -> None:
    connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


class Cleaner:
    """Takes a database back to what it held when the cleaner was made.

    Tests commit for real, and what they committed is deleted afterwards: tables that hold nothing cost one look,
    and seeded tables are rewritten only where a row was added, changed or deleted. A function on a connection of
    its own does it, so that its statements stay planned.
    """

    def __init__(self, url: str) -> None:
        self._connection = psycopg.connect(libpq(url), autocommit=True)
        self._connection.execute(_script("cleaner.sql"))

    def clean(self) -> None:
        """Raises ``psycopg.errors.LockNotAvailable`` where a test left a transaction open."""
        self._connection.execute("SELECT pg_temp.clean()")

    def close(self) -> None:
        self._connection.close()


def _script(name: str) -> LiteralString:
    text: LiteralString = (files("lms_core.testing") / name).read_text()
    return text
