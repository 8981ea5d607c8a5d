"""``lms openapi``: the API's document, without a server."""

import click

from lms_core.cli.options import Place, placed


@click.command()
@placed
def openapi(place: Place) -> None:
    """Print the OpenAPI document."""
    import orjson

    from lms_core.kernel.openapi import document

    with place.registry() as registry:
        click.echo(orjson.dumps(document(registry), option=orjson.OPT_INDENT_2))
