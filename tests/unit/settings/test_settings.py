"""The settings table: every key typed, overridable by environment, and refused by name where it is wrong."""

from pathlib import Path
from typing import Any

import pytest

from lms_core.settings import (
    SETTINGS,
    Setting,
    Settings,
    SettingsError,
    load_settings,
    parse_seconds,
    read_setting,
    unknown_variables,
)

REQUIRED = {
    "sqlalchemy.url": "embedded:",
    "lms.broker.url": "embedded:",
    "lms.jwt.keys": "generated:",
    "lms.secret.keys": "generated:",
    "lms.certificates.keys": "generated:",
}
NAMES = [setting.name for setting in SETTINGS]


def load(raw: dict[str, str] | None = None, environ: dict[str, str] | None = None, *extra: Setting) -> Settings:
    return load_settings({**REQUIRED, **(raw or {})}, environ or {}, extra)


def test_names_and_variables_are_unique_and_every_key_says_what_it_means() -> None:
    assert len(set(NAMES)) == len({setting.variable for setting in SETTINGS}) == len(NAMES)
    assert all(setting.meaning for setting in SETTINGS)


def test_what_must_be_named_is_named_and_nothing_else() -> None:
    assert {setting.name for setting in SETTINGS if setting.required} == set(REQUIRED)


@pytest.mark.parametrize("name", REQUIRED)
@pytest.mark.parametrize("value", [None, "", "  "])
def test_a_missing_key_is_named_with_its_variable(name: str, value: str | None) -> None:
    raw = {key: text for key, text in REQUIRED.items() if key != name}
    if value is not None:
        raw[name] = value
    variable = name.upper().replace(".", "_")
    with pytest.raises(SettingsError, match=rf"^{name}: required and not set .*\b{variable}\b") as error:
        load_settings(raw, {})
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", ["lms.ulr", "debug", "sqlalchemy.echo"])
def test_an_unknown_key_is_named(name: str) -> None:
    with pytest.raises(SettingsError, match=rf"^{name}: unknown"):
        load({name: "x"})


def test_variables_that_set_nothing_are_found() -> None:
    others = dict.fromkeys(
        ("LMS_INI", "LMS_TEST_AMQP_URL", "LMS_ADMIN_EMAIL", "LMS_ADMIN_PASSWORD", "HOME", "LMSX"), ""
    )
    table = (*SETTINGS, Setting("lms.motd.text", "text", "", "A plugin's"))
    known = {setting.variable: "" for setting in table}
    assert unknown_variables(table, {**others, **known}) == []
    wrong = {"LMS_WEB_WORKER": "4", "LMS_": "", "lms_web_workers": "4", "LMS_OTHER_TEXT": "x"}
    assert unknown_variables(table, {**others, **known, **wrong}) == ["LMS_", "LMS_OTHER_TEXT", "LMS_WEB_WORKER"]


def test_keys_of_the_ini_reader_and_of_pyramid_pass() -> None:
    load({"here": "/etc", "__file__": "/etc/lms.ini", "pyramid.reload_templates": "true"})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("lms.web.workers", "two"),
        ("lms.web.workers", "-1"),
        ("lms.web.workers", "1.5"),
        ("lms.web.workers", ""),
        ("lms.ratelimit.enabled", "maybe"),
        ("lms.jwt.access_ttl", "15 fortnights"),
        ("lms.jwt.access_ttl", "-15m"),
        ("lms.ratelimit.auth_address", "often"),
        ("lms.ratelimit.auth_address", "10/fortnight"),
    ],
)
def test_an_ill_typed_value_is_refused_by_key_in_one_line(name: str, value: str) -> None:
    for raw, environ in (({name: value}, {}), ({}, {name.upper().replace(".", "_"): value})):
        with pytest.raises(SettingsError, match=rf"^{name}: ") as error:
            load(raw, environ)
        assert "\n" not in str(error.value)


def test_the_environment_overrides_the_file() -> None:
    environ = {
        "LMS_MAIL_URL": "smtp://mail.example.org",
        "LMS_RATELIMIT_ENABLED": "false",
        "SQLALCHEMY_URL": "postgresql:///x",
    }
    settings = load({"lms.mail.url": "file:", "lms.ratelimit.enabled": "true"}, environ)
    assert settings.text("lms.mail.url") == "smtp://mail.example.org"
    assert settings.flag("lms.ratelimit.enabled") is False
    assert settings.text("sqlalchemy.url") == "postgresql:///x"


def test_foreign_variables_are_nobodys_business() -> None:
    load({}, {"LMS_TEST_AMQP_URL": "amqp://", "LMS_NO_SUCH_KEY": "x", "PATH": "/bin"})


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("15m", 900), ("7d", 604_800), ("250ms", 0.25), ("1.5h", 5400), ("30", 30), ("30 s", 30), (" 1h ", 3600)],
)
def test_durations(text: str, seconds: float) -> None:
    assert parse_seconds(text) == seconds


@pytest.mark.parametrize("text", ["", "m", "1 week", "1m30s", "-1s", "1e3s", "nan"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="not a duration"):
        parse_seconds(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ()),
        ("a", ("a",)),
        ("a, b,c", ("a", "b", "c")),
        ("\n  a\n  b c\n", ("a", "b c")),
        ("Computer science, Arts", ("Computer science", "Arts")),
        (",a,,", ("a",)),
    ],
)
def test_lists_of_words(text: str, words: tuple[str, ...]) -> None:
    assert load({"lms.courses.categories": text}).words("lms.courses.categories") == words


@pytest.mark.parametrize("text", ["true", "YES", "on", "1"])
def test_flags_that_are_on(text: str) -> None:
    assert load({"lms.ratelimit.enabled": text}).flag("lms.ratelimit.enabled") is True


def test_paths(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/ada")
    assert load({"lms.data": "here"}).data == tmp_path / "here"
    assert load({"lms.data": "~/lms"}).data == Path("/home/ada/lms")


def test_reading_with_the_wrong_type_is_a_fault_of_ours() -> None:
    settings = load()
    for wrong in (
        lambda: settings.text("lms.web.workers"),
        lambda: settings.integer("lms.mail.url"),
        lambda: settings.flag("lms.web.workers"),
        lambda: settings.seconds("lms.web.workers"),
        lambda: settings.words("lms.url"),
        lambda: settings.path("lms.url"),
    ):
        with pytest.raises(TypeError, match=r"^lms\."):
            wrong()


def test_a_plugin_adds_keys_of_its_own() -> None:
    own = Setting("lms.sms.limit", "integer", "5", "Messages a day")
    assert load({}, {}, own).integer("lms.sms.limit") == 5
    assert load({"lms.sms.limit": "6"}, {}, own).integer("lms.sms.limit") == 6
    assert load({}, {"LMS_SMS_LIMIT": "7"}, own).integer("lms.sms.limit") == 7


def test_a_plugin_cannot_take_a_key_that_exists() -> None:
    with pytest.raises(SettingsError, match=r"^lms\.url: declared twice"):
        load({}, {}, Setting("lms.url", "text", "", "Mine"))


def test_a_plugins_default_that_does_not_parse_is_named() -> None:
    with pytest.raises(SettingsError, match=r"^lms\.sms\.limit: "):
        load({}, {}, Setting("lms.sms.limit", "integer", "five", "Messages a day"))


def test_one_key_can_be_read_before_the_plugins_add_theirs() -> None:
    name = "lms.plugins.disabled"
    assert read_setting(name, {name: "a, b", "lms.sms.limit": "5"}, {}) == ("a", "b")
    assert read_setting(name, {name: "a"}, {"LMS_PLUGINS_DISABLED": "c"}) == ("c",)


def test_a_changed_copy_leaves_the_original() -> None:
    settings = load()
    changed = settings.replace(lms__web__workers=7)
    assert (settings.integer("lms.web.workers"), changed.integer("lms.web.workers")) == (2, 7)


def values(settings: Settings) -> dict[str, Any]:
    return {setting.name: value for setting, value in settings.items()}


@pytest.mark.parametrize(
    "raw",
    [
        {},
        {"lms.session.ttl": "90d", "lms.mail.timeout": "250ms", "lms.outbox.keep": "1234567s"},
        {"lms.cors.origins": "https://a.example, https://b.example", "lms.data": "/var/lib/lms data"},
        {"lms.ratelimit.enabled": "false", "lms.courses.limit": "0", "lms.mail.from": "Ä <a@example.org>"},
    ],
)
def test_a_child_process_sees_exactly_the_same(raw: dict[str, str]) -> None:
    settings = load(raw)
    assert values(load_settings({}, settings.as_environ())) == values(settings)
