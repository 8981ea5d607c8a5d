"""What was granted to single students: more time, more attempts, dates of their own.

Whoever checks a date or a limit asks :func:`lms_core.enrollment.accommodations.queries.of`; the end of an enrollment is
in ``IN_USE`` already. How long a lesson takes at least is no limit, and nothing changes it.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyramid.config import Configurator


def includeme(config: "Configurator") -> None:
    from lms_core.enrollment.accommodations.resources import EnrollmentAccommodations
    from lms_core.enrollment.resources import EnrollmentItem

    config.add_staff_permission("accommodations:read", "co_instructor")
    config.add_staff_permission("accommodations:update", "co_instructor")
    config.add_child(EnrollmentItem, "accommodations", EnrollmentAccommodations)
    config.scan("lms_core.enrollment.accommodations.views")
