"""How far each student has come, and what they think of the course.

Starting and completing lessons, and the progress that follows from it; the sub-area ``ratings`` has the reviews.
"""

from typing import TYPE_CHECKING

from lms_core.accounts.resources import MeResource

if TYPE_CHECKING:
    from pyramid.config import Configurator


def includeme(config: "Configurator") -> None:
    from lms_core.learning import resources

    config.add_child(MeResource, "courses", resources.MyCourses)
    config.include("lms_core.learning.ratings")
    config.scan("lms_core.learning.views")
