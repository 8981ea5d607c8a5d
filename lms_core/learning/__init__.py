"""How far each student has come, and what they think of the course.

Starting and completing lessons, and the progress that follows from it; the sub-area ``ratings`` has the reviews.
"""

from typing import TYPE_CHECKING

from lms_core.accounts.resources import MeResource

if TYPE_CHECKING:
    from pyramid.config import Configurator


def includeme(config: "Configurator") -> None:
    from lms_core.courses.events import CoursePublished
    from lms_core.enrollment.events import UserEnrolled
    from lms_core.learning import resources, tasks
    from lms_core.learning.events import AdjustedInPart

    config.add_child(MeResource, "courses", resources.MyCourses)
    config.add_event_subscriber(CoursePublished, "learning.follow_version", tasks.follow_version)
    config.add_event_subscriber(AdjustedInPart, "learning.follow_version_rest", tasks.follow_version_further)
    config.add_event_subscriber(UserEnrolled, "learning.follow_return", tasks.follow_return)
    config.include("lms_core.learning.ratings")
    config.scan("lms_core.learning.views")
