"""Access codes: what the staff give out, and whoever has one is let in with."""

from typing import TYPE_CHECKING

from lms_core.courses.resources import CourseItem
from lms_core.kernel.traversal import ApiRoot

if TYPE_CHECKING:
    from pyramid.config import Configurator


def includeme(config: "Configurator") -> None:
    from lms_core.enrollment.codes import resources

    config.add_child(CourseItem, "access-codes", resources.CourseCodes)
    config.add_child(ApiRoot, "access-codes", resources.CodeCollection)
    config.add_item(resources.CodeCollection, resources.CodeItem, "accessCodeId")
    for permission in resources.CODES:
        config.add_staff_permission(permission, "co_instructor")
    config.scan("lms_core.enrollment.codes.views")
