"""``lms course``: courses from elsewhere."""

from pathlib import Path

import click

from lms_core.cli.options import Place, placed


@click.group()
def course() -> None:
    """Courses from elsewhere."""


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
    for skipped in report.skipped:
        click.echo(f"Not brought: {skipped.name}: {skipped.reason}")
