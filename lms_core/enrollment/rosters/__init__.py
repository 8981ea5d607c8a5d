"""Who attends a course: for those who run it."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyramid.config import Configurator


def includeme(config: "Configurator") -> None:
    from lms_core.courses.resources import CourseItem
    from lms_core.enrollment.rosters import resources

    config.add_child(CourseItem, "enrollments", resources.CourseRoster)
    config.add_staff_permission("rosters:contact", "co_instructor")
    config.add_staff_permission("rosters:message", "co_instructor")
    config.scan("lms_core.enrollment.rosters.views")
