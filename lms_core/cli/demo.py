"""``lms demo``: a small, believable institution to look around in, and a large one to measure."""

from typing import TYPE_CHECKING

import click

from lms_core.cli.failures import CommandError
from lms_core.cli.options import Place, placed

if TYPE_CHECKING:
    from lms_core.kernel.core import Core


@click.group()
def demo() -> None:
    """Something to look around in."""


@demo.command("load")
@click.option("--scale", default=1, show_default=True, type=click.IntRange(1), help="How many times as large.")
@placed
def load_demo(place: Place, scale: int) -> None:
    """Fill an empty installation with people, courses, progress and reviews, and print who can log in."""
    from lms_core.cli.output import progress, table
    from lms_core.demo import Demo, load

    with place.registry() as registry:
        _refuse_inhabited(registry.core)
        with progress() as bar:
            institution = Demo(registry, scale, lambda rows, what: bar.track(rows, description=what))
            load(institution)
    table(("Role", "E-mail", "Password"), [(who.role, who.email, who.password) for who in institution.sign_ins])


def _refuse_inhabited(core: "Core") -> None:
    """The first start's administrator may be there already, and nobody else."""
    from sqlalchemy import func, select

    from lms_core.accounts.models import User

    with core.reader() as connection:
        if connection.scalar(select(func.count()).select_from(select(User.id).limit(2).subquery())) == 2:
            raise CommandError("the demo fills an empty installation, and this one has people in it")
