"""``lms pipelines``: the events that could not be delivered."""

import uuid

import click

from lms_core.cli.options import Place, placed


@click.group()
def pipelines() -> None:
    """The event pipelines: what failed for good, to be read, replayed or dropped."""


@pipelines.command()
@placed
def dead(place: Place) -> None:
    """List the dead letters, oldest first."""
    from lms_core.cli.output import table
    from lms_core.kernel.outbox import dead_letters

    with place.core() as core, core.reader() as connection:
        rows = [
            (str(row.id), row.name, row.subscriber, str(row.attempts), f"{row.died_at:%F %H:%M}", _last_line(row.error))
            for row in dead_letters(connection)
        ]
    table(("Id", "Event", "Subscriber", "Attempts", "Died", "Error"), rows)


@pipelines.command()
@click.argument("letters", nargs=-1, required=True, type=click.UUID, metavar="ID...")
@placed
def replay(place: Place, letters: tuple[uuid.UUID, ...]) -> None:
    """Deliver dead letters once more, with all their attempts before them."""
    from lms_core.kernel import outbox

    with place.core() as core, core.transaction() as db:
        for letter in letters:
            outbox.replay(db, letter)
    click.echo(f"Replayed: {len(letters)}")


@pipelines.command()
@click.argument("letters", nargs=-1, required=True, type=click.UUID, metavar="ID...")
@placed
def drop(place: Place, letters: tuple[uuid.UUID, ...]) -> None:
    """Give dead letters up for good."""
    from lms_core.kernel import outbox

    with place.core() as core, core.transaction() as db:
        for letter in letters:
            outbox.drop(db, letter)
    click.echo(f"Dropped: {len(letters)}")


def _last_line(error: str) -> str:
    """The last line of a traceback, which names the exception."""
    lines = error.strip().splitlines()
    return lines[-1] if lines else ""
