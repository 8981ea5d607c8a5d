"""``lms up`` as real processes: it starts, tends, stops, and leaves nobody behind."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import psutil
import pytest

from lms_core.testing.live import ADMIN_EMAIL, Live

MakeLive = Callable[..., Live]
SMALL = {"LMS_WEB_WORKERS": "1", "LMS_WORKER_CONCURRENCY": "1", "LMS_ADMIN_PASSWORD": ""}
LIMIT = 60.0
"""Seconds for what takes one or two on a machine that has nothing else to do."""


def wait_for(done: Callable[[], object]) -> None:
    deadline = time.monotonic() + LIMIT
    while not done():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.05)


def belonging(data: Path) -> dict[int, str]:
    """The command lines of all living processes that work on a data directory, by process id."""
    found = {}
    for process in psutil.process_iter(["status", "cmdline", "environ"]):
        told = process.info
        line = " ".join(told["cmdline"] or ())
        ours = str(data) in line or (told["environ"] or {}).get("LMS_DATA") == str(data)
        if ours and told["status"] != psutil.STATUS_ZOMBIE:
            found[process.pid] = line
    return found


def pids(live: Live, what: str) -> list[int]:
    """The processes whose command line says this, oldest first."""
    return sorted(pid for pid, line in belonging(live.data).items() if what in line)


def is_ready(live: Live) -> bool:
    try:
        return live.http.get("/health/ready").status_code == 200
    except httpx.TransportError:
        return False


def output(live: Live) -> str:
    return live.output.read_text(errors="replace")


def lms(data: Path, *arguments: str, **environ: str) -> "subprocess.CompletedProcess[str]":
    command = (sys.executable, "-W", "ignore", "-m", "lms_core.cli", *arguments, "--data", str(data))
    return subprocess.run(
        command, env={**os.environ, **environ}, capture_output=True, text=True, check=False, timeout=LIMIT
    )


@pytest.fixture(scope="module")
def first(make_live: MakeLive) -> Iterator[Live]:
    """An installation at its first start, whose administrator's password is generated."""
    live = make_live(**SMALL, LMS_MIAL_URL="smtp://127.0.0.1:25")
    yield live.start()
    live.close()


@pytest.fixture
def password(first: Live) -> str:
    lines = dict(line.split(": ", 1) for line in output(first).splitlines() if ": " in line)
    return lines["Password"]


def test_the_first_start_says_where_it_is_and_how_to_sign_in(first: Live, password: str) -> None:
    lines = output(first).splitlines()

    assert f"Listening on: {first.url}" in lines
    assert f"Data directory: {first.data}" in lines
    assert f"Administrator: {ADMIN_EMAIL}" in lines
    account = first.login(ADMIN_EMAIL, password).get("/api/v1/users/me").json()
    assert account["groups"] == ["super_admin"]
    assert (first.data.stat().st_mode & 0o077) in (0, 0o001), "others may at most pass through"


def test_a_variable_that_sets_nothing_is_named_once(first: Live) -> None:
    """By `lms up`, and not by each of its processes again."""
    (line,) = (line for line in output(first).splitlines() if "LMS_MIAL_URL" in line)
    assert "unknown_variables" in line
    assert "LMS_ADMIN" not in line


def test_other_commands_work_beside_it(first: Live) -> None:
    listed = lms(first.data, "user", "list")

    assert listed.stdout.startswith(f"{ADMIN_EMAIL}\t"), listed.stderr
    assert lms(first.data, "db", "url").stdout.startswith("postgresql://")
    assert is_ready(first)


def test_a_second_one_on_the_same_directory_is_refused(first: Live) -> None:
    refused = lms(first.data, "up", "--port", "0")

    holder = (first.data / "run" / "up.lock").read_text().strip()
    assert refused.returncode == 1
    assert refused.stderr == f"lms: another `lms up` runs on {first.data} (process {holder})\n"
    assert is_ready(first)


def test_a_port_in_use_is_refused_and_nothing_is_left_running(first: Live, data_folder: Path) -> None:
    port = urlsplit(first.url).port

    refused = lms(data_folder, "up", "--port", str(port))

    assert refused.returncode == 1
    assert refused.stderr.startswith(f"lms: port {port} of 127.0.0.1 is in use")
    assert refused.stderr.count("\n") == 1
    assert belonging(data_folder) == {}


@pytest.mark.parametrize(("name", "command"), [("web", "cli serve"), ("worker", "cli worker"), ("beat", "cli beat")])
def test_a_killed_process_is_started_again_and_its_own_children_end(first: Live, name: str, command: str) -> None:
    before = pids(first, command)
    os.kill(before[0], signal.SIGKILL)

    wait_for(lambda: f"{name} (process {before[0]}) ended by SIGKILL; starting it again" in output(first))
    wait_for(lambda: len(pids(first, command)) == len(before) and is_ready(first))

    assert not set(before) & set(pids(first, command))


def test_a_killed_database_is_started_again(first: Live) -> None:
    postmaster = int((first.data / "postgres" / "postmaster.pid").read_text().split()[0])
    os.kill(postmaster, signal.SIGKILL)

    wait_for(lambda: "the embedded PostgreSQL started again" in output(first))
    wait_for(lambda: is_ready(first))


def test_two_run_side_by_side_and_one_that_is_killed_leaves_nobody(first: Live, make_live: MakeLive) -> None:
    second = make_live(**SMALL).start()
    assert second.url != first.url
    assert is_ready(first)
    assert len(belonging(second.data)) >= 7

    second.stop(signal.SIGKILL)

    wait_for(lambda: belonging(second.data) == {})
    assert is_ready(first)


def test_where_even_the_warden_was_killed_the_next_start_takes_over(first: Live, password: str) -> None:
    left = [*pids(first, "cli serve"), *pids(first, "cli worker"), *pids(first, "cli beat")]
    (warden,) = pids(first, "warden.py")
    os.kill(warden, signal.SIGKILL)
    first.stop(signal.SIGKILL)
    assert set(left) <= set(belonging(first.data))

    first.start()

    assert "ended what an earlier `lms up` had left running: web, worker, beat" in output(first)
    assert first.login(ADMIN_EMAIL, password)
    assert not set(left) & set(belonging(first.data))


def test_stopping_ends_every_process_and_a_later_start_finds_all_as_it_was(first: Live, password: str) -> None:
    assert first.stop(signal.SIGINT) == 0
    assert belonging(first.data) == {}
    said = len(output(first))

    first.start()

    again = output(first)[said:]
    assert "Listening on: " in again
    assert "Password" not in again
    assert "Administrator" not in again
    assert first.login(ADMIN_EMAIL, password).get("/api/v1/users/me").status_code == 200
    assert first.stop(signal.SIGTERM) == 0
    assert belonging(first.data) == {}


@pytest.mark.parametrize("after", [0.3, 1.0, 2.0])
def test_a_start_that_is_interrupted_leaves_nobody(data_folder: Path, after: float) -> None:
    command = (sys.executable, "-W", "ignore", "-m", "lms_core.cli", "up", "--port", "0", "--data", str(data_folder))
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(after)
    process.send_signal(signal.SIGTERM)

    assert process.wait(LIMIT) in (0, -signal.SIGTERM)  # The latter before anything was started at all.
    assert belonging(data_folder) == {}


def test_a_setting_that_cannot_be_used_is_one_line_and_leaves_nobody(data_folder: Path) -> None:
    refused = lms(data_folder, "up", "--port", "0", LMS_JWT_KEYS="k1:short", LMS_LOG_LEVEL="error")

    assert refused.returncode == 2
    assert refused.stderr == "lms: lms.jwt.keys: write kid:secret, with a secret of 32 characters or more\n"
    assert belonging(data_folder) == {}


def test_a_weak_administrators_password_is_refused(data_folder: Path) -> None:
    refused = lms(data_folder, "up", "--port", "0", LMS_ADMIN_PASSWORD="weak", LMS_LOG_LEVEL="error")

    assert refused.returncode == 1
    assert refused.stderr.startswith("lms: The password is too weak: ")
    assert belonging(data_folder) == {}


def test_a_script_can_stop_what_it_started_in_the_background(data_folder: Path) -> None:
    """A shell without job control starts it with SIGINT ignored; whoever then sends SIGINT means it all the same."""
    up = f"{sys.executable} -W ignore -m lms_core.cli up --port 0 --data {data_folder}"
    heard = data_folder.with_name(f"{data_folder.name}.log")
    script = f"{up} >{heard} & until grep -q ^Listening {heard}; do sleep 0.1; done; kill -INT $!; wait $!"

    assert subprocess.run(["/bin/sh", "-c", script], capture_output=True, check=False, timeout=LIMIT).returncode == 0
    assert belonging(data_folder) == {}
