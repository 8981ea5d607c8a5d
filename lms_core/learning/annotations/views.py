"""Annotations over HTTP."""

from typing import Any

from pyramid.view import view_config

from lms_core.kernel.pagination import CursorPage, Page
from lms_core.kernel.request import Request
from lms_core.kernel.views import created
from lms_core.learning.annotations import queries, schemas, service
from lms_core.learning.annotations.resources import AnnotationItem, LessonAnnotations, MyAnnotations
from lms_core.learning.unlocking.gate import REFUSALS

TAGS = ("learning",)


@view_config(
    context=LessonAnnotations, request_method="GET", permission="annotations:read",
    query=schemas.LessonAnnotationsQuery, returns=schemas.AnnotationSchema, many="page", tags=TAGS,
)  # fmt: skip
def list_annotations(context: LessonAnnotations, request: Request) -> Page:
    """List one's own notes and bookmarks in a lesson: those on the whole of it, then by their place."""
    return queries.of_lesson(request.reader, request.caller.user_id, context.lesson.id, **request.query)


@view_config(
    context=LessonAnnotations, request_method="POST", permission="annotations:create",
    body=schemas.AnnotationCreateSchema, returns=schemas.AnnotationSchema, status=201, tags=TAGS,
    errors=(*REFUSALS, "409 too_many_annotations"),
)  # fmt: skip
def annotate_lesson(context: LessonAnnotations, request: Request) -> Any:
    """Note something in a lesson, or mark a place there.

    Only who wrote it ever reads it. It stays, whatever becomes of the lesson, the course or the enrollment.
    """
    user_id, lesson = request.caller.user_id, context.lesson
    annotation_id = service.annotate(request.db, user_id, lesson.row.course_id, lesson.id, request.validated)
    created(request, "annotations", annotation_id)
    return queries.annotation(request.db, user_id, annotation_id)


@view_config(
    context=MyAnnotations, request_method="GET", permission="annotations:read", query=schemas.MyAnnotationsQuery,
    returns=schemas.MyAnnotationSchema, many="cursor", tags=TAGS,
)  # fmt: skip
def list_my_annotations(context: MyAnnotations, request: Request) -> CursorPage:
    """List and search one's own notes and bookmarks in all lessons, or in those of a course, the newest first."""
    return queries.of_person(request.reader, request.caller.user_id, **request.query)


@view_config(
    context=AnnotationItem, request_method="GET", permission="annotations:read", returns=schemas.AnnotationSchema,
    tags=TAGS,
)  # fmt: skip
def read_annotation(context: AnnotationItem, request: Request) -> Any:
    """Read one of one's own notes or bookmarks."""
    return context.row


@view_config(
    context=AnnotationItem, request_method="PUT", permission="annotations:update",
    body=schemas.AnnotationChangeSchema, returns=schemas.AnnotationSchema, tags=TAGS,
)  # fmt: skip
def change_annotation(context: AnnotationItem, request: Request) -> Any:
    """Change one of one's own notes or bookmarks."""
    service.change(request.db, context.user_id, context.id, request.validated)
    return queries.annotation(request.db, context.user_id, context.id)


@view_config(context=AnnotationItem, request_method="DELETE", permission="annotations:delete", status=204, tags=TAGS)
def delete_annotation(context: AnnotationItem, request: Request) -> None:
    """Delete one of one's own notes or bookmarks for good."""
    service.remove(request.db, context.user_id, context.id)
