"""What somebody takes, and how far they have come: ``/users/me/courses``."""

from typing import TYPE_CHECKING

from lms_core.accounts.resources import MeResource

if TYPE_CHECKING:
    from pyramid.config import Configurator


def includeme(config: "Configurator") -> None:
    from lms_core.learning.mine.resources import MyCourses

    config.add_child(MeResource, "courses", MyCourses)
    config.scan("lms_core.learning.mine.views")
