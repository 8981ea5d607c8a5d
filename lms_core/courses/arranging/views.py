"""Rearranging a course over HTTP."""

from typing import Any

from pyramid.view import view_config

from lms_core.courses import queries
from lms_core.courses.arranging import schemas, service
from lms_core.courses.resources import CourseModules, LessonItem, ModuleItem, ModuleLessons
from lms_core.courses.schemas import LessonListSchema, ModuleOutlineSchema
from lms_core.kernel.audit import audit
from lms_core.kernel.request import Request


@view_config(
    context=CourseModules, name="order", request_method="PUT", permission="modules:update", body=schemas.OrderSchema,
    returns=ModuleOutlineSchema, many="list", errors=("409 order_stale", "409 course_archived"),
)  # fmt: skip
def order_modules(context: CourseModules, request: Request) -> list[Any]:
    """Give the modules of a course their order.

    The list names every module. Where somebody has added or deleted one meanwhile, the answer is `order_stale` with
    the ids that are there now.
    """
    course: Any = context.__parent__
    service.order_modules(request.db, course.row.id, request.validated["ids"])
    audit(request.db, request, "modules.order", "course", course.row.id, new=request.validated)
    return queries.outline(request.db, course.row.id, None)


@view_config(
    context=ModuleLessons, name="order", request_method="PUT", permission="lessons:update", body=schemas.OrderSchema,
    returns=LessonListSchema, many="list", errors=("409 order_stale", "409 course_archived"),
)  # fmt: skip
def order_lessons(context: ModuleLessons, request: Request) -> list[Any]:
    """Give the lessons of a module their order, as that of modules is given."""
    module: Any = context.__parent__
    service.order_lessons(request.db, module.row.id, request.validated["ids"])
    audit(request.db, request, "lessons.order", "module", module.row.id, new=request.validated)
    return queries.lessons(request.db, module.row.id, None)


@view_config(
    context=LessonItem, name="move", request_method="POST", permission="lessons:update", body=schemas.MoveSchema,
    returns=LessonListSchema, errors=("422 module_unknown", "409 course_archived"),
)  # fmt: skip
def move_lesson(context: LessonItem, request: Request) -> Any:
    """Move a lesson within its module, or to another module of its course."""
    module_id, position = request.validated["module_id"], request.validated.get("position")
    lesson = service.move_lesson(request.db, context.id, module_id, position)
    audit(request.db, request, "lessons.move", "lesson", context.id, new=request.validated)
    return lesson


@view_config(context=ModuleItem, request_method="DELETE", permission="modules:delete", errors=("409 course_archived",))
def delete_module(context: ModuleItem, request: Request) -> None:
    """Delete a module with its lessons.

    It leaves the draft; students keep it until the next publication, and its versions keep it for good.
    """
    service.delete_module(request.db, request.core, context.id)
    audit(request.db, request, "modules.delete", "module", context.id)


@view_config(context=LessonItem, request_method="DELETE", permission="lessons:delete", errors=("409 course_archived",))
def delete_lesson(context: LessonItem, request: Request) -> None:
    """Delete a lesson, as a module is deleted."""
    service.delete_lesson(request.db, request.core, context.id)
    audit(request.db, request, "lessons.delete", "lesson", context.id)
