"""Annotations in the resource tree.

Whoever takes a course writes in its lessons, as far as these are open; what they wrote is theirs, whatever becomes of
the course. ``own`` is of an annotation here: to anybody else, whoever runs the course, it does not exist.
"""

import uuid
from typing import Any, ClassVar

from pyramid.authorization import DENY_ALL
from sqlalchemy import select

from lms_core.courses.resources import LessonItem
from lms_core.kernel.security import ACE, scoped_acl
from lms_core.kernel.traversal import Collection, Item, Resource, version_of
from lms_core.learning.annotations import queries
from lms_core.learning.models import LessonAnnotation

OWN = ("annotations:read", "annotations:update", "annotations:delete")


class LessonAnnotations(Resource):
    """``/lessons/{id}/annotations``: the caller's own."""

    @property
    def lesson(self) -> LessonItem:
        parent: LessonItem = self.__parent__  # type: ignore[assignment]  # It hangs nowhere else.
        return parent

    @property
    def __acl__(self) -> list[ACE]:
        row = self.lesson.row
        acl = scoped_acl(["annotations:read"], ["own"])
        if row.part_enrolled and row.course_is_published and row.in_version and row.part_open:
            acl += scoped_acl(["annotations:create"], ["enrolled"])
        return acl


class MyAnnotations(Resource):
    """``/users/me/annotations``."""

    __acl__: ClassVar[list[ACE]] = scoped_acl(["annotations:read"], ["own"])


class AnnotationCollection(Collection):
    """``/annotations``: reached by id only."""


class AnnotationItem(Item):
    """``/annotations/{id}``: whose it is, and nobody else's."""

    concealed = True
    __acl__: ClassVar[list[Any]] = [*scoped_acl(OWN, ["own"]), DENY_ALL]

    @property
    def user_id(self) -> uuid.UUID:
        """The caller's, who alone can have it."""
        return self.request.caller.user_id

    def load(self) -> Any:
        return queries.annotation(self.request.reader, self.user_id, self.id)

    def lock(self) -> str | None:
        mine = (LessonAnnotation.id == self.id, LessonAnnotation.user_id == self.user_id)
        changed_at = select(LessonAnnotation.updated_at).where(*mine).with_for_update(key_share=True)
        return version_of(self.request.db.scalar(changed_at))
