"""Starting and completing lessons, heartbeats, and the progress of module and course, right in the same transaction."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyramid.config import Configurator


def includeme(config: "Configurator") -> None:
    from lms_core.courses.resources import LessonItem
    from lms_core.learning.progress.resources import LessonHeartbeat, OwnProgress

    config.add_child(LessonItem, "heartbeat", LessonHeartbeat)
    config.add_child(LessonItem, "progress", OwnProgress)
    config.scan("lms_core.learning.progress.views")
