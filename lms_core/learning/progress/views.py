"""Progress over HTTP."""

from typing import Any

from pyramid.view import view_config

from lms_core.courses.resources import LessonItem
from lms_core.kernel.request import Request
from lms_core.learning.progress import heartbeat, queries, schemas, service
from lms_core.learning.progress.resources import LessonHeartbeat, OwnProgress
from lms_core.learning.unlocking.gate import REFUSALS


@view_config(
    context=LessonItem, name="start", request_method="POST", permission="lessons:progress",
    returns=schemas.LessonProgressSchema, tags=("learning",), errors=REFUSALS,
)  # fmt: skip
def start_lesson(context: LessonItem, request: Request) -> Any:
    """Start a lesson, or come back to it.

    To be called each time that a student opens it: time counts from there. The first start stays.
    """
    return service.start_lesson(request.db, request.core, request.caller.user_id, context.id)


@view_config(
    context=LessonHeartbeat, request_method="POST", permission="lessons:progress", body=schemas.HeartbeatSchema,
    returns=schemas.ReceiptSchema, errors=(*REFUSALS, "409 lesson_not_started"), tags=("learning",),
)  # fmt: skip
def beat(context: LessonHeartbeat, request: Request) -> Any:
    """Tell how a lesson that was started goes on: the time spent, where the student is, and what was seen.

    To be sent every half a minute while the lesson is looked at, and once more before it is left. Of the seconds as
    many count as have passed since the last beat or start in any lesson of the course, up to a limit of the
    installation's. A beat that got no answer is sent again with the seconds since the last one that did: nothing is
    counted twice. What comes late says its `age`, so that it moves no position back that another device has told since.
    """
    said = heartbeat.beat(request.writer, request.core, request.caller.user_id, context.lesson_id, request.validated)
    return said or context.refuse()


@view_config(
    context=LessonItem, name="complete", request_method="POST", permission="lessons:progress",
    returns=schemas.LessonProgressSchema, tags=("learning",),
    errors=(*REFUSALS, "409 lesson_not_started", "409 minimum_time_not_reached",
            "409 completion_criteria_not_met"),
)  # fmt: skip
def complete_lesson(context: LessonItem, request: Request) -> Any:
    """Complete a lesson.

    The time that its heartbeats have counted has to reach its `minSeconds`, and what they have reported, its
    `completionCriteria`: else `missing` lists what is lacking, each with `criterion`, `needed` and `reached`.
    The course's progress is right at once; the last lesson completes the course. A second time changes nothing.
    `unlocked` are the modules that opened by it, the same each time that it is asked.
    """
    return service.complete_lesson(request.db, request.core, request.caller.user_id, context.id)


@view_config(
    context=OwnProgress, request_method="GET", permission="lessons:progress", returns=schemas.OwnProgressSchema,
    errors=(*REFUSALS, "409 lesson_not_started"), tags=("learning",),
)  # fmt: skip
def read_progress(context: OwnProgress, request: Request) -> Any:
    """Read one's own progress in a lesson: where to go on, and what was seen."""
    return queries.state(request.reader, request.caller.user_id, context.lesson_id) or context.refuse()
