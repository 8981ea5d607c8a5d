"""``lms course``: courses from elsewhere, and to take elsewhere."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

from lms_core.cli.options import Place, placed


@click.group()
def course() -> None:
    """Courses from elsewhere, and to take elsewhere."""


@course.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--instructor", required=True, metavar="EMAIL", help="Who will own the course.")
@click.option("--publish", is_flag=True, help="Publish it at once.")
@placed
def import_(place: Place, file: Path, instructor: str, publish: bool) -> None:
    """Create a course from FILE, for example a Common Cartridge (.imscc)."""
    from lms_core.cli.output import steps
    from lms_core.courses.importer import import_course

    with place.registry() as registry, steps() as tell:
        report = import_course(registry, file, instructor, publish=publish, progress=tell)
    click.echo(f"{report.title}: {report.modules} modules, {report.lessons} lessons, {report.files} files")
    click.echo(f"Course {report.course_id} ({report.slug}){', published' if publish else ''}")
    _tell_left_out("Not brought", report.skipped)


@course.command()
@click.argument("course")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--version", "number", type=click.IntRange(min=1), metavar="N", help="A published version, not the draft."
)
@click.option("--format", "format_name", metavar="NAME", help="The format, where more than one is installed.")
@placed
def export(place: Place, course: str, file: Path, number: int | None, format_name: str | None) -> None:
    """Write COURSE, named by its id, slug or code, into FILE."""
    from lms_core.cli.output import steps
    from lms_core.courses.exporter import export_course

    with place.registry() as registry, steps() as tell:
        report = export_course(registry, course, file, number=number, format_name=format_name, progress=tell)
    state = "the draft" if report.version is None else f"version {report.version}"
    click.echo(
        f"{report.title}, {state}: {report.modules} modules, {report.lessons} lessons, {report.files} files in {file}"
    )
    _tell_left_out("Not exported", report.lost)


@course.command()
@placed
def reprocess(place: Place) -> None:
    """Look again into lessons of which nothing could be told, once FFmpeg is installed for instance."""
    from lms_core.courses.content.tasks import look_again

    with place.core() as core:
        count = look_again(core)
    click.echo(f"{count} {'lesson' if count == 1 else 'lessons'} will be looked into again")


def _tell_left_out(what: str, skipped: Iterable[Any]) -> None:
    for each in skipped:
        click.echo(f"{what}: {each.name}: {each.reason}")
