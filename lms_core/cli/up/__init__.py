"""``lms up``: everything one machine needs, in one command that ends with Ctrl-C."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from lms_core.cli import bootstrap
from lms_core.cli.failures import CommandError
from lms_core.cli.options import Place, placed

HOST, PORT = "127.0.0.1", 6543


@click.command()
@click.option("--host", default=HOST, show_default=True, metavar="ADDRESS", help="Address to listen on.")
@click.option("--port", default=PORT, show_default=True, type=click.IntRange(0, 65535), help="0 takes any free one.")
@placed
def up(place: Place, host: str, port: int) -> None:
    """Start everything: database, migrations, web server, worker and beat.

    Ctrl-C or SIGTERM stops every process it started. Started again on the same data directory, it finds everything
    as it was.
    """
    import structlog

    from lms_core.cli.up.installation import Installation
    from lms_core.cli.up.net import reachable, reserved
    from lms_core.cli.up.supervisor import Signals, Stopped, take_over

    signals = Signals()
    try:
        with signals.interrupting():
            source = place.source()
            settings, plugins = source.read()
            bootstrap.begin_log(settings, os.environ)
            data = bootstrap.make_data_folder(settings)
        log = structlog.get_logger("lms.up").warning
        with alone(data) as run:
            with signals.interrupting():
                take_over(run, log)
            with reserved(host, port) as number:
                settings = settings.replace(lms__data=data)
                if not source.sets("lms.url"):
                    settings = settings.replace(lms__url=f"http://{reachable(host)}:{number}")
                Installation(settings, plugins, run, (host, number), log).live(source.ini, signals)
    except Stopped:
        pass


@contextmanager
def alone(data: Path) -> Iterator[Path]:
    """The folder for what matters while one ``lms up`` runs; raises CommandError where another one does."""
    run = data / "run"
    run.mkdir(mode=0o700, exist_ok=True)
    lock = os.open(run / "up.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        _claim(lock, data)
        yield run
    finally:
        os.close(lock)


def _claim(lock: int, data: Path) -> None:
    """The kernel drops the lock with the process, however it ends; the number in the file is for the message."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.read(lock, 20).decode().strip()
        raise CommandError(f"another `lms up` runs on {data} (process {holder})") from None
    os.truncate(lock, 0)
    os.write(lock, f"{os.getpid()}\n".encode())
