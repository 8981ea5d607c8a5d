"""The table of settings, on the screen and in the manual."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from lms_core import HOOKS
from lms_core.cli import bootstrap, main
from lms_core.cli.settings import HIDDEN, markdown_table, values
from lms_core.kernel.plugins import Plugins
from lms_core.settings import SETTINGS

MANUAL = Path(bootstrap.__file__).parents[2] / "docs" / "operating.md"
INI = MANUAL.parents[1] / "development.ini"


def shown(**environ: str) -> dict[str, str]:
    source = bootstrap.find_source(INI, None, environ)
    return {setting.name: value for setting, value in values(source, source.read()[0].table)}


def test_values_are_shown_as_they_were_written_and_secrets_are_not() -> None:
    seen = shown(
        LMS_SESSION_TTL="90m",
        LMS_MAIL_URL="smtp://lms:geheim@mail",
        SQLALCHEMY_URL="postgresql://lms:geheim@db/lms",
        LMS_SECRET_KEYS="geheim" * 8,
    )

    assert seen["lms.session.ttl"] == "90m"
    assert seen["lms.auth.lock_time"] == "30m"
    assert seen["lms.mail.url"] == seen["lms.secret.keys"] == HIDDEN
    assert seen["sqlalchemy.url"] == "postgresql://lms:***@db/lms"
    assert seen["lms.jwt.keys"] == "generated:"
    assert not [value for value in seen.values() if "geheim" in value]


def test_the_command_prints_a_line_for_each_key() -> None:
    ran = CliRunner().invoke(main, ["settings", "--ini", str(INI)])

    assert ran.exit_code == 0, ran.output
    lines = [line.split("\t") for line in ran.stdout.splitlines()]
    assert {name for name, *_rest in lines} >= {setting.name for setting in SETTINGS}
    assert ["lms.name", "LMS_NAME", "text", "LMS", "LMS"] in [line[:5] for line in lines]


def test_the_manual_holds_the_table() -> None:
    table = "\n".join(markdown_table((*SETTINGS, *Plugins(HOOKS).settings())))

    assert table in MANUAL.read_text(), "put the output of `lms settings --markdown` into docs/operating.md"


@pytest.mark.parametrize(
    ("environ", "line"),
    [
        ({"LMS_WEB_WORKERS": "many"}, "lms: lms.web.workers: not a whole number\n"),
        ({"LMS_INI": "/none.ini"}, "lms: /none.ini: no such ini file\n"),
        ({"LMS_PLUGINS_DISABLED": "nosuch"}, "lms: lms.plugins.disabled: no plugin is named nosuch\n"),
    ],
)
def test_a_setting_that_cannot_be_used_is_one_line_and_exit_code_2(environ: dict[str, str], line: str) -> None:
    ran = CliRunner().invoke(main, ["settings"], env={"LMS_INI": str(INI), **environ})

    assert (ran.exit_code, ran.stderr, ran.stdout) == (2, line, "")


@pytest.mark.parametrize("time", ["250ms", "1.5s", "90m", "7d", "30d", "365d", "1234567s"])
def test_a_child_process_sees_the_same_durations(time: str) -> None:
    parent = bootstrap.load(INI, None, {"LMS_SESSION_TTL": time})

    child = bootstrap.load(INI, None, parent.as_environ())

    assert child.seconds("lms.session.ttl") == parent.seconds("lms.session.ttl")
    assert dict(child.items()) == dict(parent.items())
