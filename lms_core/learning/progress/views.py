"""Progress over HTTP."""

from typing import Any

from pyramid.view import view_config

from lms_core.courses.resources import LessonItem
from lms_core.kernel.request import Request
from lms_core.learning.progress import schemas, service


@view_config(
    context=LessonItem, name="start", request_method="POST", permission="lessons:progress",
    returns=schemas.LessonProgressSchema, tags=("learning",), errors=("403 module_locked",),
)  # fmt: skip
def start_lesson(context: LessonItem, request: Request) -> Any:
    """Start a lesson; coming back to it changes nothing."""
    return service.start_lesson(request.db, request.core, request.caller.user_id, context.id)


@view_config(
    context=LessonItem, name="complete", request_method="POST", permission="lessons:progress",
    returns=schemas.LessonProgressSchema, tags=("learning",),
    errors=("403 module_locked", "409 lesson_not_started", "409 minimum_time_not_reached"),
)  # fmt: skip
def complete_lesson(context: LessonItem, request: Request) -> Any:
    """Complete a lesson.

    The course's progress is right at once; the last lesson completes the course. A second time changes nothing.
    `unlocked` are the modules that opened by it.
    """
    return service.complete_lesson(request.db, request.core, request.caller.user_id, context.id)
