"""Events, the daily figures made of them, and reports."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyramid.config import Configurator


def includeme(config: "Configurator") -> None:
    """The tables stand; views come with the domain's own capability."""
    from lms_core.analytics import tasks
    from lms_core.courses.events import CourseCreated

    config.add_event_subscriber(CourseCreated, "analytics.begin_course", tasks.begin_course)
