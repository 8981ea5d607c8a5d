"""What people hear on the way into a course, and its staff of those who want to join."""

from typing import TYPE_CHECKING

from lms_core.enrollment.events import (
    EnrollmentRejected,
    EnrollmentRequested,
    PlaceOffered,
    UserEnrolled,
    WaitingListJoined,
)

if TYPE_CHECKING:
    from pyramid.config import Configurator


def includeme(config: "Configurator") -> None:
    from lms_core.notifications.joining import tasks

    config.add_event_subscriber(UserEnrolled, "notifications.user_enrolled", tasks.tell_enrolled)
    config.add_event_subscriber(EnrollmentRequested, "notifications.enrollment_requested", tasks.tell_requested)
    config.add_event_subscriber(EnrollmentRejected, "notifications.enrollment_rejected", tasks.tell_rejected)
    config.add_event_subscriber(WaitingListJoined, "notifications.waiting_list_joined", tasks.tell_waiting)
    config.add_event_subscriber(PlaceOffered, "notifications.place_offered", tasks.tell_offered)
