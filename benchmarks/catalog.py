"""``GET /api/v1/courses`` (20 rows, authenticated) against a bare Pyramid view on the same server.

Both run under Granian with the same processes and threads, over the same database, in turn and several times; the
ratio is taken round by round, so that a noisy machine harms both alike.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import orjson

from benchmarks import load
from lms_core import configure, read_settings
from lms_core.courses.catalog import queries
from lms_core.demo import Demo
from lms_core.demo import load as load_demo
from lms_core.kernel import migrations
from lms_core.kernel.embedded import server
from lms_core.testing.accounts import bearer

ROUNDS = 5
SECONDS = 3.0
SCALE = 100
"""Of the demo: a thousand courses, so that the total is at its cap."""
PORTS = {"lms": 6701, "bare": 6702}


def main() -> None:
    processes: list[subprocess.Popen[bytes]] = []
    with tempfile.TemporaryDirectory(prefix="lms-bench-") as name, server(Path(name)) as url:
        try:
            environ, token = _prepare(Path(name), url)
            processes += [_serve_lms(Path(name), environ), _serve_bare(environ)]
            _measure(token)
        finally:
            for process in processes:
                process.terminate()
            for process in processes:
                process.wait()


def _prepare(folder: Path, url: str) -> tuple[dict[str, str], str]:
    """Migrate and fill the database; answers the servers' environment and a student's token."""
    migrations.upgrade(url)
    ini = {
        "sqlalchemy.url": url, "lms.data": str(folder), "lms.broker.url": "embedded:", "lms.jwt.keys": "generated:",
        "lms.secret.keys": "generated:", "lms.log.level": "warning",
    }  # fmt: skip
    settings, plugins = read_settings(ini, {})
    registry = configure(settings, plugins).registry
    demo = Demo(registry, SCALE, lambda rows, _what: rows)
    load_demo(demo)
    token = bearer(registry.core, demo.made["student"][0])
    registry.core.close()
    statement = queries.catalog_page("newest", ()).page
    parameters = {**statement.fixed, "page_limit": 20, "page_offset": 0}
    bare = {"BENCH_SQL": statement.sql, "BENCH_PARAMETERS": orjson.dumps(parameters).decode(), "BENCH_URL": url}
    return {**os.environ, **settings.as_environ(), **bare}, token


def _program(name: str) -> str:
    return str(Path(sys.executable).with_name(name))


def _serve_lms(folder: Path, environ: dict[str, str]) -> "subprocess.Popen[bytes]":
    return subprocess.Popen([_program("lms"), "serve", "--port", str(PORTS["lms"]), "--data", str(folder)], env=environ)


def _serve_bare(environ: dict[str, str]) -> "subprocess.Popen[bytes]":
    command = [
        _program("granian"), "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(PORTS["bare"]),
        "--workers", environ["LMS_WEB_WORKERS"], "--blocking-threads", environ["LMS_WEB_THREADS"],
        "--no-ws", "--log-level", "warning", "benchmarks.bare:app",
    ]  # fmt: skip
    return subprocess.Popen(command, env=environ)


def _measure(token: str) -> None:
    requests = {
        "lms": load.request_bytes("/api/v1/courses", {"Authorization": f"Bearer {token}"}),
        "bare": load.request_bytes("/api/v1/courses", {}),
    }
    for name, port in PORTS.items():
        _await(port, token)
        load.run(port, requests[name], seconds=1)
    ratios = []
    print(f"{'round':>5} {'lms req/s':>10} {'p99 ms':>7} {'bare req/s':>11} {'p99 ms':>7} {'ratio':>6}")
    for number in range(ROUNDS):
        ours, bare = (load.run(PORTS[name], requests[name], seconds=SECONDS) for name in ("lms", "bare"))
        if ours.errors or bare.errors:
            raise SystemExit(f"{ours.errors} and {bare.errors} requests failed")
        ratios.append(ours.rate / bare.rate)
        figures = f"{ours.rate:>10.0f} {ours.p99 * 1000:>7.1f} {bare.rate:>11.0f} {bare.p99 * 1000:>7.1f}"
        print(f"{number + 1:>5} {figures} {ratios[-1]:>6.2f}")
    print(f"GET /api/v1/courses reaches {statistics.median(ratios):.2f} of the bare view (median of {ROUNDS} rounds)")


def _await(port: int, token: str) -> None:
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/api/v1/courses", headers={"Authorization": f"Bearer {token}"}
    )
    for _attempt in range(100):
        try:
            with urllib.request.urlopen(request, timeout=2):  # noqa: S310  # Our own server.
                return
        except OSError:
            time.sleep(0.1)
    raise SystemExit(f"nothing answers on port {port}")
