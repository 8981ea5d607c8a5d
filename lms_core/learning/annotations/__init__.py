"""Notes and bookmarks in lessons, which nobody but who made them ever reads."""

from typing import TYPE_CHECKING

from lms_core.accounts.resources import MeResource
from lms_core.kernel.traversal import ApiRoot

if TYPE_CHECKING:
    from pyramid.config import Configurator


def includeme(config: "Configurator") -> None:
    from lms_core.courses.resources import LessonItem
    from lms_core.learning.annotations import resources

    config.add_child(LessonItem, "annotations", resources.LessonAnnotations)
    config.add_child(MeResource, "annotations", resources.MyAnnotations)
    config.add_child(ApiRoot, "annotations", resources.AnnotationCollection)
    config.add_item(resources.AnnotationCollection, resources.AnnotationItem, "annotationId")
    config.scan("lms_core.learning.annotations.views")
