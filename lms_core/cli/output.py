"""Tables and progress bars, alike in every command."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager

import click
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.status import Status
from rich.table import Table
from rich.text import Text


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """A table as wide as the terminal; where there is none, one line a row with tabs between the cells."""
    console = Console(highlight=False)
    if not console.is_terminal:
        for row in rows:
            click.echo("\t".join(row))
        return
    made = Table(*columns, box=SIMPLE_HEAD)
    for row in rows:
        made.add_row(*(Text(cell, overflow="fold") for cell in row))
    console.print(made)


def progress() -> Progress:
    """A progress bar on standard error, so that a command's output stays what it answers; none where it is a file."""
    console = Console(stderr=True)
    return Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
        console=console, transient=True, disable=not console.is_terminal,
    )  # fmt: skip


def transfer() -> Progress:
    """As :func:`progress`, counting in bytes."""
    console = Console(stderr=True)
    return Progress(
        TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn(),
        console=console, transient=True, disable=not console.is_terminal,
    )  # fmt: skip


@contextmanager
def steps() -> Iterator[Callable[[str, int, int], None]]:
    """A function that is told ``(step, done, total)`` and shows a bar for each step."""
    with progress() as bar:
        tasks: dict[str, TaskID] = {}

        def tell(step: str, done: int, total: int) -> None:
            if step not in tasks:
                tasks[step] = bar.add_task(step.capitalize(), total=total)
            bar.update(tasks[step], completed=done, total=total)

        yield tell


def busy(what: str) -> Status:
    """A sign of life while something runs whose length nobody knows."""
    return Console(stderr=True).status(what)
