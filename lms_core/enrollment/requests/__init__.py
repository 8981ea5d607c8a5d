"""Requests to join: what applicants ask, and what the course's staff makes of it."""

from typing import TYPE_CHECKING

from lms_core.accounts.resources import MeResource
from lms_core.courses.resources import CourseItem
from lms_core.kernel.traversal import ApiRoot

if TYPE_CHECKING:
    from pyramid.config import Configurator


def includeme(config: "Configurator") -> None:
    from lms_core.enrollment.requests import resources

    config.add_child(CourseItem, "enrollment-requests", resources.CourseRequests)
    config.add_child(MeResource, "enrollment-requests", resources.MyRequests)
    config.add_child(ApiRoot, "enrollment-requests", resources.RequestCollection)
    config.add_item(resources.RequestCollection, resources.RequestItem, "requestId")
    config.scan("lms_core.enrollment.requests.views")
