"""``lms serve``, ``lms worker`` and ``lms beat``: the processes of an installation, each by itself."""

import os
import signal
from pathlib import Path

import click
import psutil

from lms_core.cli import bootstrap
from lms_core.cli.options import Place, placed

CONNECTIONS = 512
"""That one web process holds at once; the next waits to be accepted. Each takes one of its open files."""


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, metavar="ADDRESS", help="Address to listen on.")
@click.option("--port", default=6543, show_default=True, type=click.IntRange(1, 65535), help="Port to listen on.")
@placed
def serve(place: Place, host: str, port: int) -> None:
    """Run the web server (Granian): lms.web.workers processes of lms.web.threads threads."""
    from granian.constants import HTTPModes, Interfaces
    from granian.log import LogLevels
    from granian.server import Server
    from prometheus_client import values

    from lms_core.cli.up.net import check_free
    from lms_core.cli.up.supervisor import GRACE, SUPERVISED
    from lms_core.wsgi import gateway

    source = place.source()
    settings, plugins = source.read()
    bootstrap.begin_log(settings, os.environ)
    check_free(host, port)
    metrics = bootstrap.make_data_folder(settings) / "run" / "metrics"
    _clear_metrics(metrics)
    with bootstrap.database_held(settings) as settings:
        # What is wrong is said once and here; and what this imports, the forked web processes share.
        bootstrap.try_out(settings, plugins)
        os.environ.update(settings.as_environ())
        os.environ.update(LMS_INI=str(source.ini), PROMETHEUS_MULTIPROC_DIR=str(metrics))
        # prometheus_client chose how to count when it was imported, before anybody could know the folder.
        values.ValueClass = values.get_value_class()  # type: ignore[no-untyped-call]
        server = Server(
            "lms",
            address=host,
            port=port,
            interface=Interfaces.ASGINL,
            # Where it must tell HTTP/2 from HTTP/1 first, nothing limits how long the head of a request may take.
            http=HTTPModes.http1,
            workers=settings.integer("lms.web.workers"),
            backpressure=CONNECTIONS,
            websockets=False,
            respawn_failed_workers=True,
            workers_kill_timeout=int(GRACE) - 2,
            log_access=False,
            log_level=LogLevels.warning if SUPERVISED in os.environ else LogLevels.info,
            log_dictconfig={"loggers": {"_granian": {"propagate": True}}},
        )
        os.register_at_fork(after_in_child=_default_signals)
        server.serve(target_loader=gateway, wrap_loader=False)


def _default_signals() -> None:
    """A forked web process would inherit the handlers of its parent, and so ignore SIGTERM until it serves."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)


def _clear_metrics(folder: Path) -> None:
    """Remove the counters of processes that are gone, which would be added to the new ones' for ever."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for file in folder.glob("*.db"):
        number = file.stem.rpartition("_")[2]
        if not (number.isdigit() and psutil.pid_exists(int(number))):
            file.unlink(missing_ok=True)


@click.command()
@click.option("--concurrency", type=click.IntRange(1), help="Task processes.  [default: lms.worker.concurrency]")
@placed
def worker(place: Place, concurrency: int | None) -> None:
    """Run a worker: it hands out the events and does the tasks."""
    from lms_core.kernel.tasks import run_worker

    with place.registry() as registry:
        bootstrap.begin_log(registry.core.settings, os.environ)
        code = run_worker(registry, concurrency)
    raise SystemExit(code)


@click.command()
@placed
def beat(place: Place) -> None:
    """Run the beat, which starts the periodic tasks. One for an installation."""
    from lms_core.kernel.tasks import run_beat

    with place.registry() as registry:
        bootstrap.begin_log(registry.core.settings, os.environ)
        run_beat(registry)
