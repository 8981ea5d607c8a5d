"""A course's versions over HTTP."""

from typing import Any

from pyramid.view import view_config

from lms_core.courses import queries as courses
from lms_core.courses.resources import CourseItem
from lms_core.courses.schemas import LessonSchema
from lms_core.courses.versions import queries, schemas, service
from lms_core.courses.versions.resources import CourseVersions, VersionItem, VersionLessonItem
from lms_core.kernel.audit import audit
from lms_core.kernel.pagination import Page, PageQuery
from lms_core.kernel.request import Request


@view_config(
    context=CourseItem, name="changes", request_method="GET", permission="versions:read",
    returns=schemas.DraftChangeSchema, many="list",
)  # fmt: skip
def list_changes(context: CourseItem, request: Request) -> list[Any]:
    """List what publishing now would change for students: what is gone first, then the rest in order."""
    return queries.changes(request.reader, context.id, context.row.course_version_id)


@view_config(
    context=CourseVersions, request_method="GET", permission="versions:read", query=PageQuery,
    returns=schemas.VersionSchema, many="page",
)  # fmt: skip
def list_versions(context: CourseVersions, request: Request) -> Page:
    """List the versions of a course, the newest first."""
    return queries.versions(request.reader, context.course.id, **request.query)


@view_config(
    context=VersionItem, request_method="GET", permission="versions:read", returns=schemas.VersionOutlineSchema
)
def read_version(context: VersionItem, request: Request) -> Any:
    """Read a version: its modules, and the titles of their lessons."""
    modules = courses.outline(request.reader, context.course.id, context.id)
    return {**context.row._mapping, "modules": modules}


@view_config(
    context=VersionItem, request_method="PUT", permission="courses:update", body=schemas.VersionNoteSchema,
    returns=schemas.VersionSchema,
)  # fmt: skip
def annotate_version(context: VersionItem, request: Request) -> Any:
    """Say what a version is about."""
    course_id, note = context.course.id, request.validated["note"]
    service.annotate(request.db, course_id, context.number, note)
    audit(request.db, request, "courses.annotate", "course", course_id, new={"version": context.number, "note": note})
    return queries.version(request.db, course_id, context.number)


@view_config(
    context=VersionItem, name="restore", request_method="POST", permission="versions:restore",
    returns=schemas.VersionSchema, errors=("409 course_archived",),
)  # fmt: skip
def restore_version(context: VersionItem, request: Request) -> Any:
    """Put a version back into the draft.

    Students see it with the next publication. What the version does not have stays in the draft, unpublished.
    """
    course_id = context.course.id
    service.restore(request.db, course_id, context.number)
    audit(request.db, request, "courses.restore_version", "course", course_id, new={"version": context.number})
    return queries.version(request.db, course_id, context.number)


@view_config(context=VersionLessonItem, request_method="GET", permission="versions:read", returns=LessonSchema)
def read_version_lesson(context: VersionLessonItem, request: Request) -> Any:
    """Read a lesson as it was in a version."""
    return context.row
