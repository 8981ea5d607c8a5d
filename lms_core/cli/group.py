"""The root of the command line: the core's commands, the plugins' beside them, and errors in one line."""

import os
from importlib.metadata import entry_points
from typing import Any

import click

from lms_core.cli import bootstrap
from lms_core.cli.failures import explained

DISTRIBUTION = "lms-core"


class LmsGroup(click.Group):
    """A group whose commands end with one line and an exit code where the user can mend what went wrong."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except Exception as error:
            told = explained(error)
            if told is None:
                raise
            click.echo(f"lms: {told[0]}", err=True)
            ctx.exit(told[1])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        return super().get_command(ctx, cmd_name) or plugin_commands().get(cmd_name)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Plugins are loaded only where others than our own are installed: ours bring no commands."""
        names = set(super().list_commands(ctx))
        if any(point.dist is None or point.dist.name != DISTRIBUTION for point in entry_points(group="lms.plugins")):
            names.update(plugin_commands())
        return sorted(names)


def plugin_commands() -> dict[str, click.Command]:
    """What the enabled plugins add (hook ``lms_commands``), by name. Raises SettingsError, PluginError."""
    _settings, plugins = bootstrap.find_source(None, None, os.environ).read()
    return {command.name: command for command in plugins.gather("lms_commands") if command.name}
