"""A student's own way through a lesson in the resource tree."""

import uuid
from typing import Any, ClassVar, NoReturn

from pyramid.httpexceptions import HTTPForbidden

from lms_core.kernel.errors import Conflict
from lms_core.kernel.i18n import _
from lms_core.kernel.security import ACE, scoped_acl
from lms_core.kernel.traversal import Resource


class OwnInLesson(Resource):
    """Something of the caller's own in a lesson, for whom a group grants it to students at all.

    Whether they take this course, the statement says that reads or writes it; so nothing is loaded before.
    """

    __acl__: ClassVar[list[ACE]] = scoped_acl(["lessons:progress"], ["enrolled"])

    @property
    def lesson_id(self) -> uuid.UUID:
        lesson: Any = self.__parent__
        found: uuid.UUID = lesson.id
        return found

    def refuse(self) -> NoReturn:
        """Say why there is nothing: 403 or 404 as of any request, else 409 ``lesson_not_started``."""
        if not self.request.has_permission("lessons:progress", self.__parent__):
            raise HTTPForbidden()
        raise Conflict("lesson_not_started", _("Start the lesson first."))


class LessonHeartbeat(OwnInLesson):
    """``/lessons/{id}/heartbeat``."""


class OwnProgress(OwnInLesson):
    """``/lessons/{id}/progress``."""
