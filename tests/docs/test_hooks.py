"""docs/hooks.md has an entry for every hook, with its signature and an example that is a plugin."""

import hashlib
import hmac
import inspect
import re
from collections.abc import Callable, Mapping
from importlib import import_module
from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType
from typing import Any
from uuid import UUID

import pytest

import lms_core
from lms_core.kernel import hookspecs
from lms_core.kernel.events import Event
from lms_core.kernel.plugins import Plugins
from lms_core.kernel.tasks import run_periodic
from lms_core.settings import Settings
from lms_core.testing import CONFORMANCE
from lms_core.testing.client import Client
from lms_core.testing.content_types import ContentTypeConformance
from lms_core.testing.enrollment_methods import EnrollmentMethodConformance
from lms_core.testing.exporters import ExporterConformance
from lms_core.testing.importers import ImporterConformance
from lms_core.testing.payment_gateways import PaymentGatewayConformance, Webhook
from lms_core.testing.scanners import ScannerConformance
from lms_core.testing.storages import StorageConformance

PAGE = (Path(__file__).parents[2] / "docs" / "hooks.md").read_text()
ENTRIES = {part.split("\n", 1)[0]: part for part in re.split(r"^## ", PAGE, flags=re.MULTILINE)[1:]}
SPECS = {
    name: function
    for module in (hookspecs, *lms_core.HOOKS)
    for name, function in vars(module).items()
    if name.startswith("lms_")
}

Load = Callable[[str], ModuleType]


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Load:
    """``load(hook)``: the example of the hook's entry as a module, which is a plugin once it says for which API."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def load(hook: str) -> ModuleType:
        [example] = re.findall(r"^```python\n(.*?)^```$", ENTRIES[hook], re.DOTALL | re.MULTILINE)
        (tmp_path / f"example_of_{hook}.py").write_text(f'api_version = "1"\n{example}')
        return import_module(f"example_of_{hook}")

    return load


def plugins_of(module: ModuleType) -> Plugins:
    return Plugins(lms_core.HOOKS, found=[EntryPoint("example", module.__name__, "lms.plugins")])


def signature(hook: Any) -> str:
    """As it is written in the page: without quotes, and without the modules of what it names."""
    text = re.sub(r"['\"]|<class |>(?!\s)", "", str(inspect.signature(hook)))
    return f"{hook.__name__}{re.sub(r'[a-z_.]+[.](?=[A-Z])', '', text)}"


def test_every_hook_has_an_entry_and_every_entry_is_a_hook() -> None:
    assert list(ENTRIES) == list(SPECS)


@pytest.mark.parametrize("hook", SPECS)
def test_an_entry_says_all_there_is_to_know(hook: str) -> None:
    assert ENTRIES[hook].split("\n")[2] == f"`{signature(SPECS[hook])}`"
    for what in ("Arguments", "Returns", "Called", "Transaction"):
        assert f"- **{what}:** " in ENTRIES[hook], what
    for argument in inspect.signature(SPECS[hook]).parameters:
        assert f"- **Arguments:** `{argument}`" in ENTRIES[hook]
    assert SPECS[hook].__doc__


@pytest.mark.parametrize("hook", SPECS)
def test_a_conformance_suite_is_named_where_there_is_one(hook: str) -> None:
    found = re.findall(r"- \*\*Conformance:\*\* `([\w.]+)`", ENTRIES[hook])
    assert found == ([CONFORMANCE[hook]] if hook in CONFORMANCE else [])
    for module in found:
        import_module(module)


@pytest.mark.parametrize("hook", SPECS)
def test_the_example_is_a_plugin_with_this_hook(load: Load, hook: str) -> None:
    module = load(hook)
    imported = re.findall(r"^from (lms_\w+(?:\.\w+)*)", Path(str(module.__file__)).read_text(), re.MULTILINE)
    assert set(imported) == {"lms_core.plugin_api"}
    [info] = plugins_of(module).describe()
    assert info.hooks == (hook,)


def test_the_events_that_are_named_are_those_a_plugin_may_import() -> None:
    api = vars(import_module("lms_core.plugin_api"))
    events = {name for name, value in api.items() if isinstance(value, type) and issubclass(value, Event)}
    introduction = ENTRIES["lms_event_subscribers"].partition("- **Arguments")[0]
    assert set(re.findall(r"`([A-Z]\w+)`", introduction)) == events - {"Event"}


def test_a_plugin_may_import_all_that_the_api_names() -> None:
    api = import_module("lms_core.plugin_api")
    assert [name for name in api.__all__ if not hasattr(api, name)] == []


def test_the_examples_work_together(load: Load, settings: Settings) -> None:
    names = [name for name in SPECS if name != "lms_migrations"]  # Its package is the guide's.
    points = [EntryPoint(name, load(name).__name__, "lms.plugins") for name in names]
    plugins = Plugins(lms_core.HOOKS, found=points)
    chosen = {"lms.motd.text": "Welcome.", "lms.storage.backend": "shelf"}
    values = {setting.name: value for setting, value in settings.items()} | chosen
    config = lms_core.configure(type(settings)(values, (*settings.table, *plugins.settings())), plugins)
    try:
        app = Client(config.make_wsgi_app())
        assert "now" in app.get("/api/v1/time").json
        assert config.registry.events.subscriber("cheers.congratulate")
        run_periodic(config.registry, "tidy.forget_old")
        assert [command.name for command in plugins.gather("lms_commands")] == ["motd"]
    finally:
        config.registry.request_log.close()
        config.registry.core.close()


class TestTheImporterOfThePage(ImporterConformance):
    @pytest.fixture
    def importer(self, load: Load) -> Any:
        return load("lms_course_importers").OutlineImporter()

    @pytest.fixture
    def sound(self, tmp_path: Path) -> Path:
        path = tmp_path / "course.outline"
        path.write_text("OUTLINE\nBread\n<p>Grain.</p>\n\n<p>Dough.</p>")
        return path


class TestTheExporterOfThePage(ExporterConformance):
    @pytest.fixture
    def exporter(self, load: Load) -> Any:
        return load("lms_course_exporters").TarExporter()


class TestTheStorageOfThePage(StorageConformance):
    @pytest.fixture
    def storage(self, load: Load, tmp_path: Path) -> Any:
        return load("lms_storage_backends").ShelfStorage(tmp_path / "shelf")

    @pytest.fixture
    def down(self, load: Load, tmp_path: Path) -> Any:
        (tmp_path / "file").write_bytes(b"")
        return load("lms_storage_backends").ShelfStorage(tmp_path / "file")


class TestTheScannerOfThePage(ScannerConformance):
    @pytest.fixture
    def scanner(self, load: Load) -> Any:
        return load("lms_file_scanners").ProgramScanner()

    @pytest.fixture
    def down(self, load: Load, tmp_path: Path) -> Any:
        return load("lms_file_scanners").ProgramScanner(str(tmp_path / "missing"))

    @pytest.fixture
    def infected(self) -> bytes:
        return b"MZ and what else a program has"


class TestTheContentTypeOfThePage(ContentTypeConformance):
    @pytest.fixture
    def content_type(self, load: Load) -> Any:
        return load("lms_content_types").PoemType()

    @pytest.fixture
    def originals(self) -> Mapping[UUID, bytes]:
        return {UUID(int=1, version=4): b"ID3\x04\0\0\0\0\0\0"}

    @pytest.fixture
    def examples(self, originals: Mapping[UUID, bytes]) -> list[dict[str, Any]]:
        return [{"lines": ["Bright star"]}, {"lines": ["Tyger"], "recordingId": str(*originals)}]


class TestTheEnrollmentMethodOfThePage(EnrollmentMethodConformance):
    @pytest.fixture
    def method(self, load: Load) -> Any:
        return load("lms_enrollment_methods").DomainEnrollment()

    @pytest.fixture
    def examples(self) -> list[dict[str, Any]]:
        return [{}]

    @pytest.fixture
    def chosen(self) -> list[dict[str, Any]]:
        return [{"domains": ["example.com", "example.org"]}]


class TestThePaymentGatewayOfThePage(PaymentGatewayConformance):
    @pytest.fixture
    def gateway(self, load: Load) -> Any:
        return load("lms_payment_gateways").CampusCard("secret")

    @pytest.fixture
    def webhooks(self) -> list[Webhook]:
        body = b'{"id": "7", "payment": "3f2c1f0e-7a54-4b0f-9a4e-0d6f2f1f7c11", "euros": "49.00"}'
        return [(body, {"x-signature": hmac.new(b"secret", body, hashlib.sha256).hexdigest()})]
