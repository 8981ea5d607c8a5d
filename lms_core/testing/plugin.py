"""The pytest plugin: a migrated database of one's own, the application over it, and callers to ask it things.

Installed with the package (entry point ``lms``), for the core's tests and for every plugin author's. It costs a
test run nothing until a test asks for one of its fixtures.
"""

import fcntl
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from lms_core.testing import CONFORMANCE
from lms_core.testing.services import (
    SERVICES,
    amqp_url,
    clamd_url,
    ffmpeg,
    gcs,
    leave_out,
    needs,
    opensearch_url,
    redis_url,
    s3,
    samples,
    summary,
)

if TYPE_CHECKING:
    from pyramid.config import Configurator
    from pyramid.registry import Registry

    from lms_core.kernel.core import Core
    from lms_core.settings import Settings
    from lms_core.testing.client import Client
    from lms_core.testing.database import Run, Server
    from lms_core.testing.live import Live
    from lms_core.testing.statements import Statements

__all__ = ["amqp_url", "clamd_url", "ffmpeg", "gcs", "opensearch_url", "redis_url", "s3", "samples"]

# A conformance suite says what a plugin got wrong by the assertion that failed.
pytest.register_assert_rewrite(*CONFORMANCE.values())

RUN = pytest.StashKey["Run"]()
LEFT_OUT = pytest.StashKey[dict[str, int]]()

TEST_SETTINGS: Mapping[str, str] = MappingProxyType({
    "lms.url": "http://localhost",
    "lms.broker.url": "embedded:",
    "lms.mail.url": "file:",
    "lms.jwt.keys": "test:a-signing-key-that-only-tests-may-know",
    "lms.secret.keys": "an-encryption-key-that-only-tests-may-know",
    "lms.certificates.keys": "test:a-certificate-key-that-only-tests-may-know",
    "lms.session.cookie_secure": "false",
    "lms.password.rounds": "4",
    "lms.password.lane": "4",
    "lms.ratelimit.enabled": "false",
    "lms.log.level": "error",
})  # fmt: skip
"""What differs from production: cheap passwords, known keys, no limits, silence."""


def pytest_configure(config: pytest.Config) -> None:
    config.stash[LEFT_OUT] = {}
    config.addinivalue_line("markers", "needs(service): this test, or this parameter of it, needs the service")


def _run(config: pytest.Config) -> "Run":
    """The test run this process belongs to: an xdist worker is told its folder by the controller."""
    from lms_core.testing.database import Run

    if RUN not in config.stash:
        told: dict[str, Any] = getattr(config, "workerinput", {})
        config.stash[RUN] = Run(Path(told["lms_run"]) if "lms_run" in told else None)
    return config.stash[RUN]


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """xdist's controller: all workers share one folder, and in it one server and one template."""
    node.workerinput["lms_run"] = str(_run(node.config).folder)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """xdist's controller: every worker collected the same tests, so any worker's count is everybody's."""
    told: dict[str, int] = getattr(node, "workeroutput", {}).get("lms_left_out", {})
    if told:
        node.config.stash[LEFT_OUT] = told


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """After ``-k`` and ``-m`` have chosen, so that only what would have run counts as left out."""
    left_out: dict[str, int] = leave_out(config, items)
    config.stash[LEFT_OUT] = left_out


def pytest_sessionfinish(session: pytest.Session) -> None:
    output: dict[str, Any] | None = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["lms_left_out"] = session.config.stash[LEFT_OUT]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    left_out = config.stash[LEFT_OUT]
    lines = list(summary(left_out))
    if lines:
        terminalreporter.section("left out: no such service here", sep="-", yellow=True)
        for line in lines:
            terminalreporter.line(line)


def pytest_unconfigure(config: pytest.Config) -> None:
    if RUN in config.stash:
        config.stash[RUN].close()


@pytest.fixture
def data_folder(pytestconfig: pytest.Config) -> Iterator[Path]:
    """An empty data directory; an embedded server that still runs in it is stopped after the test.

    It does not lie in ``tmp_path``: where tests run as root, the server runs under another account, and each start
    of pytest shuts the folders above ``tmp_path`` to others.
    """
    from lms_core.testing.database import new_data_folder

    with new_data_folder(_run(pytestconfig)) as folder:
        yield folder


@pytest.fixture(scope="session")
def database_server(pytestconfig: pytest.Config) -> "Iterator[Server]":
    """The PostgreSQL of this run: the embedded one, or ``LMS_TEST_DATABASE_URL``."""
    from lms_core.testing.database import open_server

    with open_server(_run(pytestconfig)) as server:
        yield server


@pytest.fixture(scope="session")
def database_url(database_server: "Server", pytestconfig: pytest.Config) -> str:
    """The URL of this process' database: migrated, and cleaned after each test (see ``clean``)."""
    worker: dict[str, Any] = getattr(pytestconfig, "workerinput", {})
    return database_server.create(worker.get("workerid", "main"), database_server.template())


@pytest.fixture
def empty_database_url(database_server: "Server") -> Iterator[str]:
    """The URL of a database without a schema, dropped after the test."""
    name = f"empty_{uuid4().hex[:12]}"
    yield database_server.create(name)
    database_server.drop(name)


@pytest.fixture(scope="session")
def own_settings() -> Mapping[str, str]:
    """ini keys of your own for ``settings``; override it in a conftest."""
    return {}


@pytest.fixture(scope="session")
def settings(
    database_url: str, own_settings: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory
) -> "Settings":
    """Settings for tests (:data:`TEST_SETTINGS`), over this process' database and a data directory of its own."""
    import lms_core

    data = tmp_path_factory.mktemp("data")
    places = {"sqlalchemy.url": database_url, "lms.data": str(data)}
    return lms_core.read_settings({**TEST_SETTINGS, **places, **own_settings}, {})[0]


@pytest.fixture(scope="session")
def registry(settings: "Settings") -> "Iterator[Registry]":
    """The registry of the configured application."""
    import lms_core

    registry = lms_core.configure(settings).registry
    yield registry
    registry.request_log.close()
    registry.core.close()


@pytest.fixture(scope="session")
def core(registry: "Registry") -> "Core":
    """``core.transaction()`` and ``core.reader()`` arrange and inspect; what they commit is cleaned away."""
    core: Core = registry.core
    return core


@pytest.fixture
def deliver(registry: "Registry") -> Callable[[], int]:
    """``deliver()`` does what worker and relay would: every waiting event to every subscriber; answers how many."""
    from lms_core.kernel.outbox import deliver_pending

    return partial(deliver_pending, registry)


@pytest.fixture
def run_periodic(registry: "Registry") -> Callable[[str], None]:
    """``run_periodic("domain.what")`` runs a periodic task once, as a worker would."""
    from lms_core.kernel import tasks

    return partial(tasks.run_periodic, registry)


@pytest.fixture(scope="session")
def wsgi(registry: "Registry") -> Any:
    """The WSGI application over ``registry``."""
    from pyramid.config import Configurator

    return Configurator(registry=registry).make_wsgi_app()


@pytest.fixture
def app(wsgi: Any) -> "Client":
    """A caller whom nobody knows; ``app.login(email)`` and ``app.bearer(token)`` make others."""
    from lms_core.testing.client import Client

    return Client(wsgi)


@pytest.fixture
def make_app(settings: "Settings") -> "Iterator[Callable[..., Client]]":
    """``make_app(include, lms__ratelimit__enabled=True)``: a caller of another application.

    It has these parsed settings changed, and what the functions named add to its ``Configurator``. Its registry is
    ``client.app.registry``; it ends with the test.
    """
    import lms_core
    from lms_core.testing.client import Client

    with ExitStack() as stack:

        def make(*includes: Callable[["Configurator"], None], **changes: Any) -> Client:
            config = lms_core.configure(settings.replace(**changes))
            stack.callback(config.registry.core.close)
            stack.callback(config.registry.request_log.close)
            for include in includes:
                config.include(include)
            return Client(config.make_wsgi_app())

        yield make


@pytest.fixture
def statements() -> "Callable[[], AbstractContextManager[Statements]]":
    """``with statements() as seen: ...`` and then ``assert seen.count <= 4, seen``."""
    from lms_core.testing.statements import counted_statements

    return counted_statements


@pytest.fixture(scope="session")
def _cleaner(database_url: str) -> Iterator[Any]:
    from lms_core.testing.database import Cleaner

    cleaner = Cleaner(database_url)
    yield cleaner
    cleaner.close()


@pytest.fixture(autouse=True)
def alone(request: pytest.FixtureRequest, pytestconfig: pytest.Config) -> Iterator[None]:
    """A test of a shared service has it to itself: the other workers of the run wait for their turn."""
    wanted = sorted(name for name in needs(request.node) if SERVICES[name].shared)
    with ExitStack() as stack:
        for name in wanted:
            lock = stack.enter_context(open(_run(pytestconfig).folder / f"{name}.lock", "w"))
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@pytest.fixture(autouse=True)
def clean(request: pytest.FixtureRequest) -> Iterator[None]:
    """After a test that could reach the database: it and the data directory are again as they were before."""
    if "database_url" not in request.fixturenames:
        yield
        return
    cleaner = request.getfixturevalue("_cleaner")
    yield
    if "registry" in request.fixturenames:
        # The request log writes when its time comes, and that would be in the middle of the next test.
        request.getfixturevalue("registry").request_log.flush()
    cleaner.clean()
    if "settings" in request.fixturenames:
        _remove_files(request.getfixturevalue("settings").data)


def _remove_files(data: Path) -> None:
    """Empty the data directory; folders stay, because what made them expects to find them."""
    for path in data.rglob("*"):
        if path.is_file() and "secrets" not in path.parts:
            path.unlink(missing_ok=True)


@pytest.fixture(scope="session")
def make_live(pytestconfig: pytest.Config) -> "Iterator[Callable[..., Live]]":
    """``make_live(LMS_WEB_WORKERS="1").start()``: an installation of its own, ended with the run at the latest."""
    from lms_core.testing.database import new_data_folder
    from lms_core.testing.live import Live

    with ExitStack() as stack:

        def make(**environ: str) -> Live:
            live = Live(stack.enter_context(new_data_folder(_run(pytestconfig))), environ)
            stack.callback(live.close)
            return live

        yield make


@pytest.fixture(scope="module")
def live(make_live: "Callable[..., Live]") -> "Iterator[Live]":
    """``lms up`` on a fresh data directory and a free port, for the tests of a module: ``live.http.get(path)``."""
    running = make_live().start()
    yield running
    running.close()
