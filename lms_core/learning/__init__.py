"""How far each student has come: starting and completing lessons, and the progress that follows from it."""

from typing import TYPE_CHECKING

from lms_core.accounts.resources import MeResource

if TYPE_CHECKING:
    from pyramid.config import Configurator


def includeme(config: "Configurator") -> None:
    from lms_core.learning import resources

    config.add_child(MeResource, "courses", resources.MyCourses)
    config.scan("lms_core.learning.views")
