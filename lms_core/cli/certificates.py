"""``lms certificates``: what an institution's own template makes."""

from pathlib import Path

import click

from lms_core.cli.options import Place, placed


@click.group()
def certificates() -> None:
    """Certificates of completed courses."""


@certificates.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--template", type=click.Path(exists=True, file_okay=False, path_type=Path), metavar="DIR",
    help="The template's folder.  [default: lms.certificates.template]",
)  # fmt: skip
@click.option("--name", default="Robin Reed", show_default=True, help="Whose certificate it would be.")
@click.option("--course", default="Bread and its history", show_default=True, help="The title of the course.")
@click.option("--language", default="", metavar="TAG", help="Of the certificate.  [default: lms.locale]")
@placed
def preview(place: Place, file: Path, template: Path | None, name: str, course: str, language: str) -> None:
    """Set a certificate into FILE, a .pdf or a .png, to try a template. It is nobody's, and does not verify."""
    from lms_core.certificates.preview import preview_certificate
    from lms_core.certificates.printing import FORMATS, TemplateError

    if file.suffix not in FORMATS:
        raise click.BadParameter(f"not {' or '.join(FORMATS)}", param_hint="FILE")
    try:
        file.write_bytes(preview_certificate(place.settings(), template, name, course, language, FORMATS[file.suffix]))
    except TemplateError as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"{file}")
