"""What lessons are made of: content types are plugins (hook ``lms_content_types``), and this is what serves them.

``types`` is what a plugin sees; ``service`` puts what an author sends into a lesson; ``workshop`` and ``tasks`` look
into its files after the commit.
"""

from typing import TYPE_CHECKING

from lms_core.kernel.traversal import ApiRoot

if TYPE_CHECKING:
    from pyramid.config import Configurator


def includeme(config: "Configurator") -> None:
    from lms_core.courses.content.resources import ContentTypes
    from lms_core.courses.content.tasks import look_into
    from lms_core.courses.content.types import check_content_types
    from lms_core.courses.events import LessonContentChanged

    check_content_types(config.registry.core)
    config.add_event_subscriber(LessonContentChanged, "courses.look_into_content", look_into, queue="long")
    config.add_child(ApiRoot, "content-types", ContentTypes)
    config.scan("lms_core.courses.content.views")
