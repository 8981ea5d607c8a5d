"""The embedded server: who starts it, who joins, who stops it, and what it survives."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import psycopg
import pytest

from lms_core.kernel import embedded
from lms_core.kernel.embedded import DISPOSABLE

HOLDER = """
import sys, time
from pathlib import Path
from lms_core.kernel import embedded
print(embedded.ensure_server(Path(sys.argv[1])), flush=True)
sys.stdin.read()
"""


def ask(url: str, statement: str) -> object:
    with psycopg.connect(url) as connection:
        row = connection.execute(statement).fetchone()
    return row[0] if row else None


def postmaster(data: Path) -> psutil.Process:
    return psutil.Process(int((data / "postgres" / "postmaster.pid").read_text().split()[0]))


def hold(data: Path) -> "subprocess.Popen[str]":
    """Another process that holds the server until its standard input ends."""
    process = subprocess.Popen(
        (sys.executable, "-c", HOLDER, str(data)), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline().startswith("postgresql://")
    return process


def let_go(process: "subprocess.Popen[str]") -> None:
    with process:
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(30) == 0


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cluster that only has to be copied."""
    with tempfile.TemporaryDirectory() as folder, embedded.server(Path(folder), DISPOSABLE):
        embedded.stop_server(Path(folder))
        return Path(shutil.copytree(Path(folder) / "postgres", tmp_path_factory.mktemp("cluster") / "postgres"))


@pytest.fixture
def data(data_folder: Path, cluster: Path) -> Path:
    """A data directory with a cluster in it that does not run; as root, one that root has copied there."""
    shutil.copytree(cluster, data_folder / "postgres")
    return data_folder


def test_it_starts_keeps_what_was_written_and_stops(data: Path) -> None:
    with embedded.server(data) as url:
        with psycopg.connect(url) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
        assert embedded.running(data)
    assert not embedded.running(data)
    with embedded.server(data) as url:
        assert ask(url, "SELECT answer FROM kept") == 42


def test_the_first_start_makes_the_cluster(data_folder: Path) -> None:
    with embedded.server(data_folder / "new" / "place") as url:
        assert ask(url, "SELECT 1") == 1


def test_it_is_durable_unless_told_otherwise(data: Path) -> None:
    for name in ("fsync", "synchronous_commit", "full_page_writes"):
        with embedded.server(data) as url:
            assert ask(url, f"SHOW {name}") == "on"
    with embedded.server(data, DISPOSABLE) as url:
        assert ask(url, "SHOW fsync") == "off"


def test_the_database_is_utf8_and_sorts_alike_everywhere(data: Path) -> None:
    with embedded.server(data, DISPOSABLE) as url:
        assert ask(url, "SELECT datname || encoding FROM pg_database WHERE datname = current_database()") == "lms6"
        assert ask(url, "SELECT lower('ÄÖÜ')") == "äöü"
        assert ask(url, "SELECT to_tsvector('simple', '„Größe“, naïve')::text") == "'größe':1 'naïve':2"
        assert ask(url, "SHOW timezone") == "UTC"


def test_it_listens_on_no_network_and_strangers_cannot_reach_the_socket(data: Path) -> None:
    with embedded.server(data, DISPOSABLE) as url:
        assert ask(url, "SHOW listen_addresses") == ""
        assert (data / "postgres").stat().st_mode & 0o077 == 0


def test_the_last_to_leave_stops_it(data: Path) -> None:
    with embedded.server(data, DISPOSABLE):
        other = hold(data)
    assert embedded.running(data)
    let_go(other)
    assert not embedded.running(data)


def test_several_processes_that_come_at_once_share_one(data: Path) -> None:
    commands = [
        subprocess.Popen(
            (sys.executable, "-c", HOLDER, str(data)), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _number in range(4)
    ]
    urls = {process.stdout.readline() for process in commands if process.stdout}
    assert len(urls) == 1
    assert urls.pop().startswith("postgresql://")
    for process in commands:
        let_go(process)
    assert not embedded.running(data)


def test_a_killed_holder_leaves_it_for_the_next_one(data: Path) -> None:
    other = hold(data)
    with other:
        other.kill()
    before = postmaster(data).pid
    with embedded.server(data):
        assert postmaster(data).pid == before
    assert not embedded.running(data)


def test_it_recovers_after_a_crash(data: Path) -> None:
    with embedded.server(data) as url:
        with psycopg.connect(url) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
        server = postmaster(data)
        server.kill()
        psutil.wait_procs([server], timeout=10)
        assert not embedded.running(data)
        assert embedded.revive(data)
        assert not embedded.revive(data)
        assert ask(url, "SELECT answer FROM kept") == 42


def test_it_recovers_while_the_dead_have_not_noticed(data: Path) -> None:
    """A session that works on does not see that its server was killed; what it has is gone with it."""
    with embedded.server(data) as url, psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
        busy = psutil.Process(connection.info.backend_pid)
        with ThreadPoolExecutor(1) as pool:
            working = pool.submit(connection.execute, "SELECT count(*) FROM generate_series(1, 300000000)")
            while ask(url, f"SELECT state FROM pg_stat_activity WHERE pid = {busy.pid}") != "active":
                pass
            postmaster(data).kill()
            while embedded.running(data):
                pass
            assert embedded.revive(data)
            assert isinstance(working.exception(), psycopg.OperationalError)
        assert not busy.is_running()
        assert ask(url, "SELECT answer FROM kept") == 42


def test_the_lock_of_a_socket_that_names_another_process_is_no_obstacle(data: Path) -> None:
    with embedded.server(data, DISPOSABLE) as url:
        server = postmaster(data)
        (lock,) = (data / "postgres").glob(".s.PGSQL.*.lock")
        with subprocess.Popen(("sleep", "60")) as stranger:
            lock.write_text(lock.read_text().replace(str(server.pid), str(stranger.pid), 1))
            server.kill()
            psutil.wait_procs([server], timeout=10)
            assert embedded.revive(data)
            assert ask(url, "SELECT 1") == 1
            assert stranger.poll() is None
            stranger.terminate()


def test_a_pid_file_that_names_another_process_is_no_obstacle(data: Path) -> None:
    with embedded.server(data, DISPOSABLE):
        file = data / "postgres" / "postmaster.pid"
        lines = file.read_text().splitlines()
        owner = file.stat()
        server = postmaster(data)
    with subprocess.Popen(("sleep", "60")) as stranger:
        file.write_text("\n".join([str(stranger.pid), *lines[1:], ""]))
        os.chown(file, owner.st_uid, owner.st_gid)
        assert not embedded.running(data)
        with embedded.server(data, DISPOSABLE) as url:
            assert ask(url, "SELECT 1") == 1
            assert postmaster(data).pid not in (stranger.pid, server.pid)
        assert stranger.poll() is None
        stranger.terminate()


def test_who_comes_while_it_starts_waits_until_it_is_ready(data: Path) -> None:
    with embedded.server(data, DISPOSABLE):
        pass
    folder = data / "postgres"
    server = embedded._start(folder, DISPOSABLE)
    server.suspend()
    waiting = subprocess.Popen(
        (sys.executable, "-c", HOLDER, str(data)), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    time.sleep(1)
    assert waiting.poll() is None
    server.resume()
    assert waiting.stdout is not None
    assert waiting.stdout.readline().startswith("postgresql://")
    let_go(waiting)


def test_a_half_made_cluster_is_made_again(data_folder: Path) -> None:
    (data_folder / "postgres.new").mkdir()
    (data_folder / "postgres.new" / "PG_VERSION").write_text("18\n")
    with embedded.server(data_folder, DISPOSABLE) as url:
        assert ask(url, "SELECT 1") == 1


@pytest.mark.parametrize("name", ["x" * 120, 'it\'s "odd" $HOME `id` ü'])
def test_any_path_will_do(data_folder: Path, name: str) -> None:
    data = data_folder / name
    with embedded.server(data, DISPOSABLE) as url:
        assert ask(url, "SELECT 1") == 1
        sockets = Path(str(ask(url, "SHOW unix_socket_directories")).strip('"'))
        assert len(str(sockets)) < 100
        assert sockets.stat().st_mode & 0o077 == 0
    assert not embedded.running(data)
    assert not sockets.exists()


def test_a_cluster_of_another_version_is_refused_with_the_reason(data: Path) -> None:
    with embedded.server(data, DISPOSABLE):
        pass
    version = data / "postgres" / "PG_VERSION"
    version.write_text("12\n")
    with pytest.raises(embedded.EmbeddedError, match="12"), embedded.server(data, DISPOSABLE):
        pass
    assert not embedded.running(data)


def test_stopping_what_does_not_run_does_nothing(tmp_path: Path) -> None:
    embedded.stop_server(tmp_path)
    embedded.stop_server(tmp_path / "nowhere")


def test_stop_ends_it_under_its_holders(data: Path) -> None:
    other = hold(data)
    embedded.stop_server(data)
    assert not embedded.running(data)
    let_go(other)


def test_interrupting_a_command_does_not_reach_the_server(data: Path) -> None:
    other = hold(data)
    assert os.getpgid(postmaster(data).pid) != os.getpgid(other.pid)
    with other:
        other.send_signal(signal.SIGINT)
    assert not embedded.running(data)
