"""``GET /api/v1/courses`` (20 rows, authenticated) against a bare Pyramid view on the same server.

Both run under Granian with the same processes and threads, over the same database, in turn and several times; the
ratio is taken round by round, so that a noisy machine harms both alike.
"""

import statistics
import subprocess
import tempfile
from pathlib import Path

import orjson

from benchmarks import load, server
from lms_core.courses.catalog.queries import Catalog
from lms_core.courses.catalog.reach import CATALOG
from lms_core.demo import Demo
from lms_core.demo import load as load_demo
from lms_core.kernel import embedded

ROUNDS = 5
SECONDS = 3.0
SCALE = 100
"""Of the demo: a thousand courses, so that the total is at its cap."""
PORTS = {"lms": server.free_port(), "bare": server.free_port()}


def main() -> None:
    processes: list[subprocess.Popen[bytes]] = []
    with tempfile.TemporaryDirectory(prefix="lms-bench-") as name, embedded.server(Path(name)) as url:
        try:
            environ, token = server.install(Path(name), url, _fill, SCALE)
            processes += [server.serve(Path(name), environ, PORTS["lms"]), _serve_bare(environ, url)]
            _measure(token)
        finally:
            server.stop(processes)


def _fill(demo: Demo) -> object:
    load_demo(demo)
    student: object = demo.made["student"][0]
    return student


def _serve_bare(environ: dict[str, str], url: str) -> "subprocess.Popen[bytes]":
    statement = Catalog({}).statement(CATALOG, "newest", ()).page
    parameters = {**statement.fixed, "page_limit": 20, "page_offset": 0}
    bare = {"BENCH_SQL": statement.sql, "BENCH_PARAMETERS": orjson.dumps(parameters).decode(), "BENCH_URL": url}
    command = [
        server.program("granian"), "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(PORTS["bare"]),
        "--workers", environ["LMS_WEB_WORKERS"], "--blocking-threads", environ["LMS_WEB_THREADS"],
        "--no-ws", "--log-level", "warning", "benchmarks.bare:app",
    ]  # fmt: skip
    return subprocess.Popen(command, env={**environ, **bare})


def _measure(token: str) -> None:
    requests = {
        "lms": load.request_bytes("/api/v1/courses", {"Authorization": f"Bearer {token}"}),
        "bare": load.request_bytes("/api/v1/courses", {}),
    }
    for name, port in PORTS.items():
        server.wait_for(port, token)
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
