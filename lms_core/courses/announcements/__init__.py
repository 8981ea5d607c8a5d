"""News of a course: what is said to whom from when to when, and who has read it."""

from typing import TYPE_CHECKING

from lms_core.accounts.resources import MeResource
from lms_core.kernel.traversal import ApiRoot

if TYPE_CHECKING:
    from pyramid.config import Configurator


def includeme(config: "Configurator") -> None:
    from lms_core.courses.access import ROLES
    from lms_core.courses.announcements import resources, tasks
    from lms_core.courses.resources import CourseItem

    config.add_child(CourseItem, "announcements", resources.CourseAnnouncements)
    config.add_child(MeResource, "announcements", resources.MyAnnouncements)
    config.add_child(ApiRoot, "announcements", resources.AnnouncementCollection)
    config.add_item(resources.AnnouncementCollection, resources.AnnouncementItem, "announcementId")
    config.add_staff_permission("announcements:read", *ROLES)
    for permission in ("announcements:create", "announcements:update", "announcements:delete"):
        config.add_staff_permission(permission, "co_instructor")
    config.add_periodic_task("announcements.announce", tasks.announce_due, every=30)
    config.scan("lms_core.courses.announcements.views")
