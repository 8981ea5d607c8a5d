"""The root command: plugins' commands beside the core's, and a help that loads nothing it need not."""

import os
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from lms_core.cli import group, main

WEATHER = '''
import click
from lms_core.plugin_api import API_VERSION as api_version, hookimpl

@click.command()
def weather():
    """Tell the weather."""
    click.echo("fine")

@hookimpl
def lms_commands():
    return [weather]
'''


def leaves(command: click.Command) -> list[click.Command]:
    if isinstance(command, click.Group):
        return [leaf for below in command.commands.values() for leaf in leaves(below)]
    return [command]


def test_help_names_every_command() -> None:
    ran = CliRunner().invoke(main, ["--help"])

    assert ran.exit_code == 0
    for name in ("up", "serve", "worker", "beat", "settings", "db", "user", "course", "demo", "plugin", "openapi"):
        assert f"\n  {name} " in ran.stdout


@pytest.mark.parametrize("command", leaves(main), ids=lambda command: str(command.name))
def test_every_command_takes_data_and_ini(command: click.Command) -> None:
    assert {"--data", "--ini"} <= {name for option in command.params for name in option.opts}


def test_an_unknown_command_is_refused() -> None:
    ran = CliRunner().invoke(main, ["nosuch"])

    assert ran.exit_code == 2
    assert "No such command 'nosuch'" in ran.stderr


def test_our_own_plugins_bring_no_commands() -> None:
    """Otherwise the help would have to load them, as it does where plugins of others are installed."""
    assert group.plugin_commands() == {}


@pytest.fixture
def weather_plugin(tmp_path: Path) -> Path:
    """A folder with a plugin installed as pip would install it."""
    (tmp_path / "weather.py").write_text(WEATHER)
    info = tmp_path / "weather-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: weather\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[lms.plugins]\nweather = weather\n")
    return tmp_path


def lms(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-W", "ignore", "-m", "lms_core.cli", *arguments]
    return subprocess.run(
        command, env={**os.environ, "PYTHONPATH": str(folder)}, capture_output=True, text=True, check=False
    )


def test_a_plugins_command_is_listed_and_runs(weather_plugin: Path) -> None:
    assert "\n  weather " in lms(weather_plugin, "--help").stdout
    assert lms(weather_plugin, "weather").stdout == "fine\n"


def test_a_plugin_that_does_not_load_is_named_in_one_line(weather_plugin: Path) -> None:
    (weather_plugin / "weather.py").write_text("import nosuch\n")

    ran = lms(weather_plugin, "plugin", "list")

    assert ran.returncode == 2
    assert ran.stderr == (
        "lms: plugin weather (weather) failed to load: ModuleNotFoundError(\"No module named 'nosuch'\")\n"
    )
