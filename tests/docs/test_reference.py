"""The reference pages name what the code has: no less and no more."""

import importlib
import re
import sys
import uuid
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

import lms_core
from lms_core.kernel import hookspecs, migrations
from lms_core.kernel.db import Base, normal_url
from lms_core.kernel.events import publish
from lms_core.kernel.outbox import deliver_pending
from lms_core.kernel.plugins import Plugins
from lms_core.learning.events import CourseCompleted
from lms_core.testing.accounts import bearer, make_user
from lms_core.testing.client import Client

DOCS = Path(__file__).parents[2] / "docs"


def test_every_hook_has_its_entry_and_every_entry_its_hook():
    manager = Plugins(lms_core.HOOKS, found=[]).hook
    hooks = {name for name in dir(manager) if name.startswith("lms_")}
    entries = re.findall(r"^## (lms_\w+)$", (DOCS / "hooks.md").read_text(), re.MULTILINE)
    assert set(entries) == hooks
    assert len(entries) == len(hooks)


def test_every_hook_says_what_it_is_for():
    for module in (hookspecs, *lms_core.HOOKS):
        for name, function in vars(module).items():
            if name.startswith("lms_"):
                assert function.__doc__, name


def test_the_permissions_are_those_of_a_new_installation(core):
    rows = re.findall(r"^\| `(\S+)` \| [^|]+ \| (.+) \|$", (DOCS / "permissions.md").read_text(), re.MULTILINE)
    written = {
        (permission, scope, group)
        for permission, scopes in rows
        for scope, groups in re.findall(r"`(\w+)`: ([^;]*)", scopes)
        for group in groups.replace(" ", "").split(",")
        if group != "super_admin"
    }
    statement = text(
        "SELECT p.resource || ':' || p.action, p.scope, g.name FROM group_permissions JOIN permissions p"
        " ON p.id = permission_id JOIN groups g ON g.id = group_id WHERE g.name <> 'super_admin'"
    )
    with core.reader() as connection:
        assert written == {tuple(row) for row in connection.execute(statement)}


@pytest.fixture
def greeting(tmp_path, monkeypatch):
    """The plugin of the guide, written down as the guide says."""
    blocks = re.findall(r"```python\n(.*?)```", (DOCS / "writing-a-plugin.md").read_text(), re.DOTALL)
    package = tmp_path / "lms_greeting"
    (package / "migrations").mkdir(parents=True)
    (package / "__init__.py").write_text(blocks[0])
    (package / "migrations" / "__init__.py").touch()
    (package / "migrations" / "greeting_1.py").write_text(blocks[1])
    monkeypatch.syspath_prepend(str(tmp_path))
    yield EntryPoint("greeting", "lms_greeting", "lms.plugins")
    table = Base.metadata.tables["greeting_greetings"]
    Base.metadata.remove(table)
    sys.modules.pop("lms_greeting")


def test_the_plugin_of_the_guide_works(greeting, settings, empty_database_url):
    plugins = Plugins(lms_core.HOOKS, found=[greeting])
    migrations.upgrade(empty_database_url, plugins.gather("lms_migrations"))
    ini = {setting.name: setting.default for setting in plugins.settings()}
    values = {setting.name: value for setting, value in settings.items()}
    own = type(settings)({**values, **ini}, (*settings.table, *plugins.settings()))
    config = lms_core.configure(own.replace(sqlalchemy__url=empty_database_url), plugins)
    core, app = config.registry.core, Client(config.make_wsgi_app())
    try:
        assert app.get("/api/v1/greeting").json == {"words": "hello", "given": 0}
        app.put_json("/api/v1/greeting", {"words": "x"}, status=401)
        admin = app.bearer(bearer(core, make_user(core, groups=("admin",))))
        admin.put_json("/api/v1/greeting", {"words": "good day"}, status=204)
        assert app.get("/api/v1/greeting").json["words"] == "good day"
        assert "/api/v1/greeting" in app.get("/api/v1/openapi.json").json["paths"]
        user, other = make_user(core).id, uuid.uuid4()
        with core.transaction() as db:
            publish(db, CourseCompleted(user, other, other, "Bread"))
        deliver_pending(config.registry)
        deliver_pending(config.registry)
        assert app.get("/api/v1/greeting").json["given"] == 1
    finally:
        core.close()
    migrations.downgrade(empty_database_url, plugins.gather("lms_migrations"))
    engine = create_engine(normal_url(empty_database_url))
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT to_regclass('greeting_greetings')")) is None
    engine.dispose()


def test_a_plugin_may_import_all_that_the_api_names():
    api = importlib.import_module("lms_core.plugin_api")
    assert [name for name in api.__all__ if not hasattr(api, name)] == []
