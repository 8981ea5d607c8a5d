"""The representations of annotations."""

from marshmallow import fields, validate

from lms_core.kernel.pagination import CursorQuery, PageQuery
from lms_core.kernel.schemas import Part, Schema, Text, Timestamp
from lms_core.learning.models import KINDS

_PLACE = (
    "Where in the lesson, in the parts of its content type (seconds, pages, ...), as `position` of its progress; null"
    " for the whole lesson."
)
_KIND = fields.String(validate=validate.OneOf(KINDS), load_default=None)


class LessonAnnotationsQuery(PageQuery):
    """``kind`` narrows the list."""

    kind = _KIND


class MyAnnotationsQuery(CursorQuery):
    """Each narrows the list; ``search`` is looked for in the texts, whatever the case."""

    course_id = fields.UUID(load_default=None)
    lesson_id = fields.UUID(load_default=None)
    kind = _KIND
    search = Text(max=200, load_default=None)


class AnnotationChangeSchema(Schema):
    """What can be changed; only the fields sent are."""

    position = fields.Integer(
        validate=validate.Range(0, 2**31 - 1), strict=True, allow_none=True, metadata={"description": _PLACE}
    )
    text = Text(
        max=10_000,
        multiline=True,
        metadata={"description": "A note's text, or what a bookmark is called: up to 200 characters, or none."},
    )


class AnnotationCreateSchema(AnnotationChangeSchema):
    """Something to note, or a place to mark."""

    kind = fields.String(required=True, validate=validate.OneOf(KINDS))
    position = fields.Integer(
        validate=validate.Range(0, 2**31 - 1),
        strict=True,
        allow_none=True,
        load_default=None,
        metadata={"description": _PLACE},
    )
    text = Text(
        max=10_000,
        multiline=True,
        load_default="",
        metadata={"description": "A note's text, or what a bookmark is called: up to 200 characters, or none."},
    )


class AnnotationSchema(Schema):
    """A note or a bookmark of the caller's."""

    id = fields.UUID()
    lesson_id = fields.UUID()
    kind = fields.String(metadata={"enum": list(KINDS), "example": "note"})
    position = fields.Integer(allow_none=True, metadata={"description": _PLACE})
    text = fields.String()
    created_at = Timestamp()
    updated_at = Timestamp()


class AnnotatedLessonSchema(Schema):
    """The lesson of an annotation, by the name that students saw last."""

    id = fields.UUID()
    title = fields.String()


class AnnotatedCourseSchema(Schema):
    """The course of an annotation."""

    id = fields.UUID()
    title = fields.String()
    slug = fields.String()


class MyAnnotationSchema(AnnotationSchema):
    """A note or a bookmark of the caller's, with where it is."""

    class Meta:
        exclude = ("lesson_id",)

    lesson = Part(AnnotatedLessonSchema, "lesson_")
    course = Part(AnnotatedCourseSchema, "course_")
