"""Progress follows the versions of a course: what was added has to be done, what is gone no longer counts."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyramid.config import Configurator


def includeme(config: "Configurator") -> None:
    from lms_core.courses.events import CoursePublished
    from lms_core.enrollment.events import EnrollmentResumed, UserEnrolled
    from lms_core.learning.events import AdjustedInPart
    from lms_core.learning.following import tasks

    config.add_event_subscriber(CoursePublished, "learning.follow_version", tasks.follow_version)
    config.add_event_subscriber(AdjustedInPart, "learning.follow_version_rest", tasks.follow_version_further)
    config.add_event_subscriber(UserEnrolled, "learning.follow_return", tasks.follow_return)
    config.add_event_subscriber(EnrollmentResumed, "learning.follow_resumed", tasks.follow_return)
