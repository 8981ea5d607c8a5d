"""Who takes which course: enrollments, requests to join, access codes and invitations.

Ways into a course are plugins (hook ``lms_enrollment_methods``); ``methods`` is what a plugin sees, ``admission`` gives
out the places.
"""

from typing import TYPE_CHECKING

from lms_core.kernel.traversal import ApiRoot

if TYPE_CHECKING:
    from pyramid.config import Configurator


def includeme(config: "Configurator") -> None:
    from lms_core.enrollment import methods, queries, resources

    methods.check_enrollment_methods(config.registry.core)
    config.add_course_part("enrolled", queries.takes_course)
    config.add_child(ApiRoot, "enrollments", resources.EnrollmentCollection)
    config.add_item(resources.EnrollmentCollection, resources.EnrollmentItem, "enrollmentId")
    config.add_child(ApiRoot, "enrollment-methods", resources.EnrollmentMethods)
    config.include("lms_core.enrollment.lifecycle")
    config.include("lms_core.enrollment.rosters")
    config.include("lms_core.enrollment.requests")
    config.include("lms_core.enrollment.accommodations")
    config.include("lms_core.enrollment.payments")
    config.include("lms_core.enrollment.waiting")
    config.include("lms_core.enrollment.codes")
    config.include("lms_core.enrollment.invitations")
    config.scan("lms_core.enrollment.views")
