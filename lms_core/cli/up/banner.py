"""What ``lms up`` says when everything runs: a panel for a person, plain lines for a log."""

from dataclasses import dataclass
from pathlib import Path

import click
from rich.console import Console
from rich.panel import Panel
from rich.table import Table
from rich.text import Text


@dataclass(frozen=True, slots=True)
class Administrator:
    """The account of the first start; ``generated`` tells that the password is known to nobody else."""

    email: str
    password: str
    generated: bool


def announce(console: Console, url: str, data: Path, mail: Path | None, administrator: Administrator | None) -> None:
    """Where it listens and keeps its data, and, at the first start, how to sign in."""
    rows = [("Listening on", url), ("API", f"{url}/api/docs"), ("Data directory", str(data))]
    if mail:
        rows.append(("Mail goes to", str(mail)))
    if administrator:
        rows += sign_in(administrator)
    show(console, "Learning management system", rows)


def sign_in(administrator: Administrator) -> list[tuple[str, str]]:
    """A password that was given is not repeated, since it may not belong in a log."""
    rows = [("Administrator", administrator.email)]
    if administrator.generated:
        rows.append(("Password", administrator.password))
    return rows


def show(console: Console, title: str, rows: list[tuple[str, str]]) -> None:
    if not console.is_terminal:
        for name, value in rows:
            click.echo(f"{name}: {value}")
        return
    table = Table.grid(padding=(0, 3))
    for name, value in rows:
        table.add_row(Text(name, style="dim"), Text(value, style="bold", overflow="fold"))
    console.print(Panel(table, title=title, title_align="left", expand=False, padding=(1, 2)))
