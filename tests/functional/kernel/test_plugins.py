"""Loading plugins: what a good one adds, and how a bad one stops the start by name."""

import textwrap
import uuid
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

import lms_core
from lms_core.kernel.plugins import PluginError, Plugins
from lms_core.settings import SettingsError, load_settings
from lms_core.testing.client import Client

GOOD = '''
    """A plugin as an institution would write it."""
    from pyramid.view import view_config
    from lms_core.plugin_api import (
        Allow, ApiRoot, EventSubscription, Everyone, PeriodicTask, Resource, Setting, hookimpl)
    from lms_core.enrollment.events import CourseCompleted

    api_version = "1"

    class Greeting(Resource):
        __acl__ = [(Allow, Everyone, "greeting:read")]

    def greet(context, request):
        """Greet."""
        return {"words": request.core.settings.text("lms.greeting.words")}

    @hookimpl
    def lms_settings():
        return [Setting("lms.greeting.words", "text", "hello", "What to say")]

    @hookimpl
    def lms_configure(config):
        config.add_child(ApiRoot, "greeting", Greeting)
        config.add_view(greet, context=Greeting, request_method="GET", permission="greeting:read")

    @hookimpl
    def lms_event_subscribers():
        return [EventSubscription(CourseCompleted, "greeting.completed", lambda delivery, event: None)]

    @hookimpl
    def lms_periodic_tasks():
        return [PeriodicTask("greeting.often", lambda context: None, 3600)]
'''


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(str(tmp_path))

    def write(name: str, source: str) -> EntryPoint:
        (tmp_path / f"{name}.py").write_text(textwrap.dedent(source))
        return EntryPoint(name, name, "lms.plugins")

    return write


def test_a_plugin_adds_settings_views_subscribers_and_tasks(write, settings):
    point = write("greeting_plugin", GOOD)
    files = EntryPoint("storage_local", "lms_plugins.storage_local:plugin", "lms.plugins")
    plugins = Plugins(lms_core.HOOKS, found=[files, point])
    values = {setting.name: value for setting, value in settings.items()}
    values |= {"lms.greeting.words": "good day"}
    config = lms_core.configure(type(settings)(values, (*settings.table, *plugins.settings())), plugins)
    assert Client(config.make_wsgi_app()).get("/api/v1/greeting").json == {"words": "good day"}
    info = plugins.describe()[0]
    assert (info.name, info.enabled) == ("greeting_plugin", True)
    assert "lms_configure" in info.hooks
    config.registry.core.close()


UNGUARDED = """
    from pyramid.security import NO_PERMISSION_REQUIRED
    from lms_core.plugin_api import ApiRoot, Resource, hookimpl

    api_version = "1"

    class Notes(Resource):
        pass

    def show(context, request):
        return {}

    def told(request):
        return {}

    @hookimpl
    def lms_configure(config):
        config.add_child(ApiRoot, "notes", Notes)
        config.add_route("told", "/told")
        config.add_view(told, route_name="told")
        config.add_view(show, context=Notes, request_method="GET")
"""


@pytest.mark.parametrize(("named", "forgotten"), [("told", "show"), ("show", "told")])
def test_a_view_that_says_not_who_may_see_it_stops_the_start_by_name(write, settings, named, forgotten):
    module = f"unguarded_{forgotten}"
    guard = f"add_view({named}, permission=NO_PERMISSION_REQUIRED"
    source = UNGUARDED.replace(f"add_view({named}", guard)
    files = EntryPoint("storage_local", "lms_plugins.storage_local:plugin", "lms.plugins")
    plugins = Plugins(lms_core.HOOKS, found=[files, write(module, source)])
    with pytest.raises(SettingsError, match=rf"{module}\.{forgotten} names no permission="):
        lms_core.configure(settings, plugins)


@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        ("import nothing_of_that_name", "failed to load"),
        ("1/0", "failed to load"),
        ("x = 1", "API version None"),
        ('api_version = "0"', "API version '0'"),
        (
            'api_version = "1"\nfrom lms_core.plugin_api import hookimpl\n@hookimpl\ndef lms_settings(x): return []',
            "does not fit",
        ),
        (
            'api_version = "1"\nfrom lms_core.plugin_api import hookimpl\n@hookimpl\ndef lms_no_such_hook(): return []',
            "no hook",
        ),
    ],
)
def test_a_bad_plugin_stops_the_start_by_name(write, source, complaint):
    name = f"broken_plugin_{uuid.uuid4().hex[:8]}"
    point = write(name, source)
    with pytest.raises(PluginError) as refused:
        Plugins(lms_core.HOOKS, found=[point])
    message = str(refused.value)
    assert name in message
    assert complaint in message
    assert "\n" not in message


def test_a_plugin_can_be_switched_off(write):
    point = write("off_plugin", "1/0")
    plugins = Plugins(lms_core.HOOKS, ("off_plugin",), found=[point])
    [info] = plugins.describe()
    assert not info.enabled
    with pytest.raises(PluginError, match="no plugin is named typo"):
        Plugins(lms_core.HOOKS, ("typo",), found=[point])


def test_two_plugins_cannot_claim_one_key(write):
    plugins = Plugins(lms_core.HOOKS, found=[write("first_plugin", GOOD), write("second_plugin", GOOD)])
    with pytest.raises(SettingsError, match=r"lms\.greeting\.words: declared twice"):
        load_settings({}, {}, plugins.settings())


def test_the_bundled_plugins_are_found():
    names = {info.name for info in Plugins(lms_core.HOOKS).describe()}
    assert "importer_common_cartridge" in names
