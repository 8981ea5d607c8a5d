"""Courses, modules and lessons over HTTP."""

from typing import Any

from pyramid.view import view_config

from lms_core.courses import queries, schemas, service
from lms_core.courses.resources import (
    CourseCollection,
    CourseItem,
    CourseModules,
    LessonItem,
    ModuleItem,
    ModuleLessons,
)
from lms_core.courses.resources import read_course as read_course_row
from lms_core.kernel.audit import audit
from lms_core.kernel.request import Request
from lms_core.kernel.views import created

_JOINING_ERRORS = ("422 enrollment_type_unknown", "422 prerequisite_unknown", "422 prerequisites_circular")
_PICTURE_ERRORS = ("422 file_unknown", "422 file_infected", "422 file_kind_wrong")
_CONTENT_ERRORS = (
    *_PICTURE_ERRORS, "422 host_not_allowed", "422 html_too_complex",
    "422 html_too_long",
)  # fmt: skip
"""What the bundled content types refuse."""
_RULE_ERRORS = ("422 unlock_incomplete", "422 prerequisite_unknown", "422 prerequisite_cycle")


@view_config(
    context=CourseCollection, request_method="POST", permission="courses:create", body=schemas.CourseCreateSchema,
    returns=schemas.CourseSchema, status=201,
    errors=("409 code_taken", "409 course_limit_reached", "422 category_unknown", *_JOINING_ERRORS, *_PICTURE_ERRORS),
)  # fmt: skip
def create_course(context: CourseCollection, request: Request) -> Any:
    """Create a course as a draft, with the module "Introduction"."""
    course = service.create_course(request.db, request.core, request.caller.user_id, request.validated)
    audit(request.db, request, "courses.create", "course", course.id, new=request.validated)
    created(request, "courses", course.id)
    return read_course_row(request, request.db, course.id)


@view_config(
    context=CourseItem, request_method="GET", permission="courses:read", returns=schemas.CourseSchema,
)  # fmt: skip
def read_course(context: CourseItem, request: Request) -> Any:
    """Read a course, by id or slug."""
    return context.shown


@view_config(
    context=CourseItem, request_method="PUT", permission="courses:update", body=schemas.CourseChangeSchema,
    returns=schemas.CourseSchema, errors=(
        "409 code_taken", "409 slug_taken", "409 field_frozen", "409 capacity_below_enrolled", "409 course_archived",
        "422 category_unknown", *_JOINING_ERRORS, *_PICTURE_ERRORS,
    ),
)  # fmt: skip
def update_course(context: CourseItem, request: Request) -> Any:
    """Change a course; fields that are not sent stay as they are."""
    service.update_course(request.db, request.core, context.row.id, request.caller.user_id, request.validated)
    audit(request.db, request, "courses.update", "course", context.row.id, new=request.validated)
    return read_course_row(request, request.db, context.row.id)


@view_config(
    context=CourseItem, name="publish", request_method="POST", permission="courses:publish",
    returns=schemas.CourseSchema, errors=("409 course_incomplete", "409 course_archived"),
)  # fmt: skip
def publish_course(context: CourseItem, request: Request) -> Any:
    """Publish a course.

    What is missing is answered all at once, by field, with the code `course_incomplete`.
    """
    service.publish_course(request.db, request.core, context.row.id, request.caller.user_id)
    audit(request.db, request, "courses.publish", "course", context.row.id)
    return read_course_row(request, request.db, context.row.id)


@view_config(
    context=CourseModules, request_method="GET", permission="modules:read",
    returns=schemas.ModuleOutlineSchema, many="list",
)  # fmt: skip
def list_modules(context: CourseModules, request: Request) -> list[Any]:
    """List the modules of a course in order, with the titles of their lessons."""
    course: Any = context.__parent__
    return queries.outline(request.reader, course.row.id, course.state)


@view_config(
    context=CourseModules, request_method="POST", permission="modules:create", body=schemas.ModuleCreateSchema,
    returns=schemas.ModuleSchema, status=201, errors=("409 title_taken", "409 course_archived", *_RULE_ERRORS),
)  # fmt: skip
def create_module(context: CourseModules, request: Request) -> Any:
    """Create a module at the end of a course."""
    course: Any = context.__parent__
    module = service.create_module(request.db, course.row.id, request.validated)
    audit(request.db, request, "modules.create", "module", module.id, new=request.validated)
    created(request, "modules", module.id)
    return module


@view_config(context=ModuleItem, request_method="GET", permission="modules:read", returns=schemas.ModuleSchema)
def read_module(context: ModuleItem, request: Request) -> Any:
    """Read a module."""
    return context.read()


@view_config(
    context=ModuleItem, request_method="PUT", permission="modules:update", body=schemas.ModuleChangeSchema,
    returns=schemas.ModuleSchema, errors=("409 title_taken", "409 course_archived", *_RULE_ERRORS),
)  # fmt: skip
def update_module(context: ModuleItem, request: Request) -> Any:
    """Change a module."""
    module = service.update_module(request.db, context.id, request.validated)
    audit(request.db, request, "modules.update", "module", context.id, new=request.validated)
    return module


@view_config(
    context=ModuleLessons, request_method="GET", permission="modules:read",
    returns=schemas.LessonListSchema, many="list",
)  # fmt: skip
def list_lessons(context: ModuleLessons, request: Request) -> list[Any]:
    """List the lessons of a module in order, without their content."""
    module: Any = context.__parent__
    return queries.lessons(request.reader, module.row.id, module.state)


@view_config(
    context=ModuleLessons, request_method="POST", permission="lessons:create", body=schemas.LessonCreateSchema,
    returns=schemas.LessonSavedSchema, status=201, errors=(*_CONTENT_ERRORS, "422 content_type_unknown"),
)  # fmt: skip
def create_lesson(context: ModuleLessons, request: Request) -> Any:
    """Create a lesson at the end of a module.

    `content` is as its type demands (`/content-types`); `removed` names what was taken out of it.
    """
    module: Any = context.__parent__
    lesson, removed = service.create_lesson(
        request.db, request.core, module.row.id, request.caller.user_id, request.validated
    )
    audit(request.db, request, "lessons.create", "lesson", lesson.id, new={"title": lesson.title})
    created(request, "lessons", lesson.id)
    return {**lesson.as_dict(), "content": lesson.shown_content, "removed": removed}


@view_config(
    context=LessonItem, request_method="GET", permission="lessons:read", returns=schemas.LessonSchema,
    errors=("403 module_locked", "403 enrollment_suspended", "403 enrollment_dropped", "403 enrollment_expired",
            "403 not_started_yet"),
)  # fmt: skip
def read_lesson(context: LessonItem, request: Request) -> Any:
    """Read a lesson with its content: for who is enrolled and has come so far, for everybody where it is a preview.

    `module_locked` says in `reasons` what its module waits for, as `GET /courses/{courseIdOrSlug}/outline` does; where
    the enrollment itself does not let its student in, the code says why.
    """
    return {**context.read()._mapping, "course_id": context.row.course_id}


@view_config(
    context=LessonItem, request_method="PUT", permission="lessons:update", body=schemas.LessonChangeSchema,
    returns=schemas.LessonSavedSchema, errors=(*_CONTENT_ERRORS, "409 content_type_unavailable"),
)  # fmt: skip
def update_lesson(context: LessonItem, request: Request) -> Any:
    """Change a lesson; its content type stays.

    What is `readOnly` in the content may be sent back, and is ignored.
    """
    lesson, removed = service.update_lesson(
        request.db, request.core, context.id, request.caller.user_id, request.validated
    )
    audit(request.db, request, "lessons.update", "lesson", lesson.id, new={"fields": sorted(request.validated)})
    return {**lesson.as_dict(), "content": lesson.shown_content, "removed": removed}
