"""The life of an enrollment: leaving, suspending, resuming, completing by hand, its dates, and its history."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyramid.config import Configurator


def includeme(config: "Configurator") -> None:
    from lms_core.courses.access import ROLES
    from lms_core.enrollment.lifecycle import tasks

    config.add_staff_permission("rosters:read", *ROLES)
    config.add_staff_permission("rosters:update", "co_instructor")
    config.add_periodic_task("enrollment.expire", tasks.expire, every=60)
    config.scan("lms_core.enrollment.lifecycle.views")
