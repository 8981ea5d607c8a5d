"""``lms settings``: the table of every key."""

import re
from collections.abc import Iterable

import click

from lms_core.cli.bootstrap import Source
from lms_core.cli.options import Place, placed
from lms_core.settings import Setting

HIDDEN = "(hidden)"
_PASSWORD = re.compile(r"(://[^:/@\s]*:)[^@\s]*@")
_COLUMNS = ("Name", "Variable", "Type", "Default", "Value", "Meaning")


@click.command()
@click.option("--markdown", is_flag=True, help="As a Markdown table without values, for the documentation.")
@placed
def settings(place: Place, markdown: bool) -> None:
    """Print every setting: name, variable, type, default, value, meaning."""
    source = place.source()
    found, _plugins = source.read()
    if markdown:
        click.echo("\n".join(markdown_table(found.table)))
        return
    from rich.console import Console
    from rich.padding import Padding
    from rich.text import Text

    from lms_core.cli.output import table

    rows = values(source, found.table)
    console = Console(highlight=False)
    if not console.is_terminal:
        table(_COLUMNS, ((*described(setting), value, setting.meaning) for setting, value in rows))
        return
    for setting, value in rows:
        name, variable, kind, default = described(setting)
        console.print(Text(name, "bold").append(f"  {variable}  {kind}, {default or 'empty'}", "dim"))
        console.print(Padding(Text(setting.meaning), (0, 4)))
        if value != setting.default:
            console.print(Padding(Text(value, "green", overflow="fold"), (0, 4)))


def described(setting: Setting) -> tuple[str, str, str, str]:
    """Name, variable, type and default of a key, for a person to read."""
    return setting.name, setting.variable, setting.type, "required" if setting.required else setting.default


def values(source: Source, settings: Iterable[Setting]) -> Iterable[tuple[Setting, str]]:
    """Each key with its value in use, as it was written; secrets and the passwords in URLs are hidden."""
    from lms_core.kernel.tokens import GENERATED

    for setting in settings:
        value = source.environ.get(setting.variable, source.section.get(setting.name, setting.default))
        if setting.secret and value not in (setting.default, GENERATED):
            value = HIDDEN
        yield setting, _PASSWORD.sub(r"\1***@", value)


def markdown_table(table: Iterable[Setting]) -> Iterable[str]:
    """The lines of the table that stands in the operator's manual."""
    yield "| Key | Variable | Type | Default | Meaning |"
    yield "|---|---|---|---|---|"
    for setting in table:
        name, variable, kind, default = described(setting)
        shown = default if setting.required or not default else f"`{default}`"
        meaning = setting.meaning.replace("|", "\\|")
        yield f"| `{name}` | `{variable}` | {kind} | {shown} | {meaning} |"
