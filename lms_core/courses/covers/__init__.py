"""The picture of a course, and who may see it; for one that has none, a cover is drawn once it is published."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyramid.config import Configurator


def includeme(config: "Configurator") -> None:
    from lms_core.courses.covers import queries, tasks
    from lms_core.courses.events import CoursePictureChanged, CoursePublished

    config.add_event_subscriber(CoursePublished, "courses.cover", tasks.draw_cover, queue="long")
    config.add_event_subscriber(CoursePictureChanged, "courses.picture", tasks.follow_picture, queue="long")
    config.add_file_access(lambda: queries.shows_picture(config.registry))
    config.add_file_use(queries.has_picture)
