"""Running an installation: groups and permissions, settings, audit, backups, archives."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyramid.config import Configurator


def includeme(config: "Configurator") -> None:
    """The tables stand; views come with the domain's own capability."""
