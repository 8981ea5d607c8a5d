"""The picture of a course that has none: drawn after its first publication, from its title and id."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyramid.config import Configurator


def includeme(config: "Configurator") -> None:
    from lms_core.courses.covers import queries, tasks
    from lms_core.courses.events import CoursePublished

    config.add_event_subscriber(CoursePublished, "courses.cover", tasks.draw_cover, queue="long")
    config.add_file_access(queries.shows_cover)
    config.add_file_use(queries.has_cover)
