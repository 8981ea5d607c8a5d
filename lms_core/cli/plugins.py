"""``lms plugin``: what is installed."""

import click

from lms_core.cli.options import Place, placed


@click.group()
def plugin() -> None:
    """The plugins of this installation."""


@plugin.command("list")
@placed
def list_(place: Place) -> None:
    """Name, version, origin and hooks of every installed plugin."""
    from lms_core.cli.output import table

    _settings, plugins = place.source().read()
    rows = [
        (info.name, info.version, "on" if info.enabled else "off", ", ".join(info.hooks), info.origin)
        for info in plugins.describe()
    ]
    table(("Name", "Version", "State", "Hooks", "Origin"), rows)
