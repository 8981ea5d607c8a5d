"""A course as one person sees it: its modules and lessons in order, what is open, what is done, where to go on.

What all see of a version is the same for good, and is kept as JSON that is written already (``structure``); of the
student one statement tells (``queries``); ``composing`` puts them together.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyramid.config import Configurator


def includeme(config: "Configurator") -> None:
    from lms_core.courses.resources import CourseItem
    from lms_core.learning.outline.resources import CourseExplanation
    from lms_core.learning.outline.structure import Shelf

    config.add_child(CourseItem, "explain", CourseExplanation)
    config.registry.outlines = Shelf()
    config.scan("lms_core.learning.outline.views")
