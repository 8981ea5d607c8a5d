"""What the benchmarks start: an installation over a database of its own, and its web server."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

from lms_core import configure, read_settings
from lms_core.demo import Demo
from lms_core.kernel import migrations
from lms_core.testing.accounts import bearer


def install(folder: Path, url: str, fill: Callable[[Demo], object], scale: int = 1) -> tuple[dict[str, str], str]:
    """Migrate and fill the database; answers the server's environment and the token of whom ``fill`` answers."""
    migrations.upgrade(url)
    ini = {
        "sqlalchemy.url": url, "lms.data": str(folder), "lms.broker.url": "embedded:", "lms.jwt.keys": "generated:",
        "lms.secret.keys": "generated:", "lms.certificates.keys": "generated:", "lms.log.level": "warning",
    }  # fmt: skip
    settings, plugins = read_settings(ini, {})
    registry = configure(settings, plugins).registry
    token = bearer(registry.core, fill(Demo(registry, scale, lambda rows, _what: rows)))  # type: ignore[arg-type]
    registry.core.close()
    return {**os.environ, **settings.as_environ()}, token


def free_port() -> int:
    """A port that nobody listens on; another run of the benchmarks takes another."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def program(name: str) -> str:
    """A program of the environment that runs the benchmark."""
    return str(Path(sys.executable).with_name(name))


def serve(folder: Path, environ: dict[str, str], port: int) -> "subprocess.Popen[bytes]":
    """``lms serve`` in the background."""
    return subprocess.Popen([program("lms"), "serve", "--port", str(port), "--data", str(folder)], env=environ)


def stop(processes: "list[subprocess.Popen[bytes]]") -> None:
    """End them in order."""
    for process in processes:
        process.terminate()
    for process in processes:
        process.wait()


def wait_for(port: int, token: str) -> None:
    """Until the catalog is answered; gives up after a minute."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/api/v1/courses", headers={"Authorization": f"Bearer {token}"}
    )
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(request, timeout=2):  # noqa: S310  # Our own server.
                return
        except OSError:
            time.sleep(0.1)
    raise SystemExit(f"nothing answers on port {port}")
