"""Starting and completing lessons, and the progress of module and course, which is right in the same transaction."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyramid.config import Configurator


def includeme(config: "Configurator") -> None:
    config.scan("lms_core.learning.progress.views")
