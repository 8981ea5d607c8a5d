"""Waiting lists: who finds every place taken waits for one, and moves up when it becomes free."""

from typing import TYPE_CHECKING

from lms_core.accounts.resources import MeResource
from lms_core.courses.events import CoursePublished, PlacesChanged
from lms_core.courses.resources import CourseItem
from lms_core.enrollment.events import EnrollmentDropped, EnrollmentExpired, WaitingListJoined
from lms_core.kernel.traversal import ApiRoot

if TYPE_CHECKING:
    from pyramid.config import Configurator


def includeme(config: "Configurator") -> None:
    from lms_core.enrollment.waiting import resources, tasks

    config.add_child(CourseItem, "waiting-list", resources.CourseWaits)
    config.add_child(MeResource, "waits", resources.MyWaits)
    config.add_child(ApiRoot, "waits", resources.WaitCollection)
    config.add_item(resources.WaitCollection, resources.WaitItem, "waitId")
    config.add_event_subscriber(EnrollmentDropped, "enrollment.move_up_after_drop", tasks.follow)
    config.add_event_subscriber(EnrollmentExpired, "enrollment.move_up_after_expiry", tasks.follow)
    config.add_event_subscriber(PlacesChanged, "enrollment.move_up_into_new_places", tasks.follow)
    config.add_event_subscriber(CoursePublished, "enrollment.move_up_when_published", tasks.follow)
    config.add_event_subscriber(WaitingListJoined, "enrollment.move_up_at_once", tasks.follow)
    config.add_periodic_task("enrollment.move_up", tasks.move_everybody_up, every=60)
    config.scan("lms_core.enrollment.waiting.views")
