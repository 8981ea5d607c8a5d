"""The representations of courses, modules and lessons."""

import re
from typing import Any

from marshmallow import ValidationError, fields, validate, validates, validates_schema

from lms_core.courses.models import UNLOCK_TYPES
from lms_core.courses.references import file_address
from lms_core.courses.slugs import SLUG_LENGTH, is_reserved, slugify
from lms_core.kernel.i18n import _
from lms_core.kernel.schemas import Money, Number, Part, Schema, Text, Timestamp

PLAIN = {"description": "Plain text: to be shown as it is, never as HTML."}
DOWNLOADS = (
    "Whether clients are to offer the files of lessons for download. Who can see one has received it: no protection."
)
LEVELS = ("beginner", "intermediate", "advanced")
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")
_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


class PersonSchema(Schema):
    """Somebody as others see them."""

    id = fields.UUID()
    name = fields.String()
    avatar_url = fields.String(allow_none=True)


class CourseSummarySchema(Schema):
    """What every representation of a course says."""

    id = fields.UUID()
    code = fields.String()
    title = fields.String()
    slug = fields.String()
    category = fields.String(allow_none=True)
    sub_category = fields.String(allow_none=True)
    level = fields.String(allow_none=True)
    language = fields.String()
    thumbnail_url = fields.String(allow_none=True)
    duration_minutes = fields.Integer()
    price = Money()
    currency = fields.String()
    is_free = fields.Boolean()
    enrollment_type = fields.String()
    tags = fields.List(fields.String())
    rating_average = Number()
    rating_count = fields.Integer()
    enrolled_count = fields.Integer(
        metadata={"description": "Who holds a place: neither dropped nor expired, nor completed and over."}
    )
    is_published = fields.Boolean()
    published_at = Timestamp(allow_none=True)
    archived_at = Timestamp(allow_none=True)
    instructor = Part(PersonSchema, "instructor_")


class CourseSchema(CourseSummarySchema):
    """A course with all that is said about it."""

    draft_duration_minutes = fields.Integer(
        allow_none=True,
        metadata={"description": "Of the draft, for who sees that; null for others.", "example": 45},
    )
    description = fields.String(allow_none=True)
    syllabus = fields.String(allow_none=True)
    thumbnail_file_id = fields.UUID(
        allow_none=True, metadata={"description": "The file that was chosen as its picture; `thumbnailUrl` shows it."}
    )
    intro_video_url = fields.String(allow_none=True)
    enrollment_settings = fields.Dict()
    enrollment_opens_at = Timestamp(allow_none=True)
    enrollment_closes_at = Timestamp(allow_none=True)
    max_students = fields.Integer(allow_none=True)
    waiting_list = fields.Boolean()
    prerequisites = fields.List(fields.String(metadata={"example": "MATH-100"}))
    learning_outcomes = fields.List(fields.String())
    requirements = fields.List(fields.String())
    target_audience = fields.String(allow_none=True)
    completion_certificate = fields.Boolean()
    certificate_months = fields.Integer(allow_none=True)
    allow_discussion = fields.Boolean()
    allow_download = fields.Boolean(metadata={"description": DOWNLOADS})
    completed_count = fields.Integer()
    created_at = Timestamp()
    updated_at = Timestamp()
    deleted_at = Timestamp(allow_none=True)


def _words(most: int, length: int) -> fields.List[Any]:
    return fields.List(Text(min=1, max=length), validate=validate.Length(max=most))


class CourseChangeSchema(Schema):
    """What an author may set; only the fields sent are changed."""

    code = Text(min=1, max=50)
    title = Text(min=1, max=255)
    slug = Text(min=1, max=SLUG_LENGTH, metadata={"example": "life-an-introduction"})
    description = Text(max=20_000, multiline=True, allow_none=True, metadata=PLAIN)
    syllabus = Text(max=50_000, multiline=True, allow_none=True, metadata=PLAIN)
    category = Text(min=1, max=100, allow_none=True)
    sub_category = Text(min=1, max=100, allow_none=True)
    level = fields.String(validate=validate.OneOf(LEVELS), allow_none=True)
    language = fields.String(validate=validate.Length(max=10))
    thumbnail_url = fields.Url(schemes={"http", "https"}, validate=validate.Length(max=500), allow_none=True)
    thumbnail_file_id = fields.UUID(
        allow_none=True,
        metadata={
            "description": "An uploaded image, one's own or the course's, instead of an address. Null takes it off; "
            "for a published course without a picture a cover is drawn.",
            "example": None,
        },
    )
    intro_video_url = fields.Url(schemes={"http", "https"}, validate=validate.Length(max=500), allow_none=True)
    price = Money(validate=validate.Range(0, 99_999_999))
    currency = fields.String(validate=validate.Regexp(r"[A-Z]{3}\Z"))
    enrollment_type = fields.String(
        validate=validate.Regexp(r"[a-z_]{1,50}\Z"),
        metadata={"description": "How people join it: a name that `GET /enrollment-methods` lists."},
    )
    enrollment_settings = fields.Dict(
        metadata={"description": "What the enrollment method wants to know, as its `settings` in that list say."}
    )
    enrollment_opens_at = Timestamp(allow_none=True, metadata={"description": "Nobody can join before."})
    enrollment_closes_at = Timestamp(allow_none=True, metadata={"description": "Nobody can join from then on."})
    max_students = fields.Integer(validate=validate.Range(1, 10_000_000), allow_none=True, strict=True)
    waiting_list = fields.Boolean(
        metadata={"description": "Where every place is taken, people wait for one, and move up by themselves."}
    )
    prerequisites = fields.List(
        Text(min=1, max=50, metadata={"example": "MATH-100"}),
        validate=validate.Length(max=20),
        metadata={"description": "Codes of the courses that have to be completed before."},
    )
    tags = _words(30, 50)
    learning_outcomes = _words(50, 500)
    requirements = _words(50, 500)
    target_audience = Text(max=2000, multiline=True, allow_none=True, metadata=PLAIN)
    completion_certificate = fields.Boolean()
    certificate_months = fields.Integer(
        validate=validate.Range(1, 1200), allow_none=True, strict=True,
        metadata={"description": "How long a certificate is valid from its issue; null for good.", "example": 24},
    )  # fmt: skip
    allow_discussion = fields.Boolean()
    allow_download = fields.Boolean(metadata={"description": DOWNLOADS})

    @validates_schema
    def _picture(self, data: dict[str, Any], **kwargs: Any) -> None:
        if data.get("thumbnail_url") is not None and data.get("thumbnail_file_id") is not None:
            raise ValidationError(_("Either a file or an address."), "thumbnailFileId")

    @validates("slug")
    def _slug(self, value: str, data_key: str) -> None:
        if slugify(value) != value:
            raise ValidationError(_("Words in lower case, with dashes between them."))
        if is_reserved(value):
            raise ValidationError(_("This word names something else."))

    @validates("code")
    def _code(self, value: str, data_key: str) -> None:
        if not _CODE.fullmatch(value):
            raise ValidationError(_("Letters, digits, dots, dashes and underscores only."))

    @validates("language")
    def _language(self, value: str, data_key: str) -> None:
        if not _LANGUAGE.fullmatch(value):
            raise ValidationError(_("Not a language tag such as en or pt-BR."))


class CourseCreateSchema(CourseChangeSchema):
    """A new course; its slug is made from the title."""

    class Meta(CourseChangeSchema.Meta):
        exclude = ("slug",)

    code = Text(min=1, max=50, required=True)
    title = Text(min=1, max=255, required=True)


class LessonSummarySchema(Schema):
    """A lesson in an outline."""

    id = fields.UUID()
    title = fields.String()
    content_type = fields.String()
    duration_minutes = fields.Integer(allow_none=True)
    order_index = fields.Integer()
    is_preview = fields.Boolean()
    is_published = fields.Boolean()


class ModuleSchema(Schema):
    """A module."""

    id = fields.UUID()
    course_id = fields.UUID()
    title = fields.String()
    description = fields.String(allow_none=True)
    order_index = fields.Integer()
    is_published = fields.Boolean()
    unlock_type = fields.String(metadata={"enum": [*UNLOCK_TYPES]})
    unlock_date = Timestamp(allow_none=True)
    unlock_after_days = fields.Integer(allow_none=True)
    unlock_min_score = fields.Integer(allow_none=True)
    prerequisites = fields.List(fields.UUID(metadata={"description": "Another module of the course."}))
    estimated_duration_minutes = fields.Integer(allow_none=True)
    created_at = Timestamp()
    updated_at = Timestamp()


class ModuleOutlineSchema(ModuleSchema):
    """A module with its lessons in order."""

    lessons = fields.Raw(
        metadata={
            "type": "array",
            "items": {"type": "object"},
            "description": "Lessons in order, each with what an outline shows.",
            "example": [
                {
                    "id": "7408d797-ed83-51e0-93a0-e96483dd13f7", "title": "Vectors", "contentType": "text",
                    "durationMinutes": 45, "orderIndex": 0, "isPreview": True, "isPublished": True,
                }
            ],
        }
    )  # fmt: skip


class ModuleChangeSchema(Schema):
    """What an author may set on a module. It opens to a student when all that it demands is so."""

    title = Text(min=1, max=255)
    description = Text(max=5000, multiline=True, allow_none=True)
    is_published = fields.Boolean()
    unlock_type = fields.String(
        validate=validate.OneOf(UNLOCK_TYPES),
        metadata={
            "description": "`scheduled`: from `unlockDate` on; `relative`: `unlockAfterDays` after the student's first"
            " day; `sequential`: once the module before it is completed."
        },
    )
    unlock_date = Timestamp(allow_none=True)
    unlock_after_days = fields.Integer(
        validate=validate.Range(0, 3650),
        allow_none=True,
        strict=True,
        metadata={"description": "Days of 24 hours after the student enrolled, or after the enrollment begins."},
    )
    unlock_min_score = fields.Integer(
        validate=validate.Range(1, 100),
        allow_none=True,
        strict=True,
        metadata={"description": "The least score, in percent, in each module that this one waits for."},
    )
    prerequisites = fields.List(
        fields.UUID(metadata={"description": "Another module of the course."}),
        validate=validate.Length(max=100),
        metadata={"description": "Modules to complete first, whatever the type.", "example": []},
    )


class ModuleCreateSchema(ModuleChangeSchema):
    """A new module; it goes to the end."""

    title = Text(min=1, max=255, required=True)


class LessonListSchema(Schema):
    """A lesson without its content."""

    id = fields.UUID()
    module_id = fields.UUID()
    title = fields.String()
    description = fields.String(allow_none=True)
    content_type = fields.String()
    order_index = fields.Integer()
    duration_minutes = fields.Integer(allow_none=True)
    min_seconds = fields.Integer()
    is_preview = fields.Boolean()
    is_published = fields.Boolean()
    allow_comments = fields.Boolean()
    created_at = Timestamp()
    updated_at = Timestamp()


class _Address(fields.String):
    """Where the content of a file is, told by its id."""

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> str:
        return file_address(value)


class AttachmentSchema(Schema):
    """A file of a lesson. Whoever may read the lesson may read it."""

    file_id = fields.String(attribute="fileId", metadata={"format": "uuid"})
    name = fields.String()
    url = _Address(attribute="fileId", dump_only=True)
    size = fields.Integer(metadata={"description": "Bytes."})
    type = fields.String(metadata={"description": "The media type.", "example": "application/pdf"})
    attached = fields.Boolean(
        dump_default=False,
        metadata={"description": "Put beside the content by an author; any other is used by the content."},
    )
    derived = fields.Boolean(
        dump_default=False, metadata={"description": "Made of a file that the content uses, like the still of a film."}
    )


class LessonSchema(LessonListSchema):
    """A lesson with its content."""

    course_id = fields.UUID()
    content = fields.Raw(metadata={"type": "object"})
    completion_criteria = fields.Raw(metadata={"type": "object"})
    attachments = fields.List(fields.Nested(AttachmentSchema))
    transcript = fields.String(allow_none=True)


class LessonSavedSchema(LessonListSchema):
    """A lesson as it was stored, and what was taken out of its content."""

    content = fields.Raw(metadata={"type": "object"})
    completion_criteria = fields.Raw(metadata={"type": "object"})
    attachments = fields.List(fields.Nested(AttachmentSchema))
    removed = fields.List(fields.String())


class LessonChangeSchema(Schema):
    """What an author may set on a lesson; ``content`` and ``completionCriteria`` are as its ``contentType`` demands."""

    title = Text(min=1, max=255)
    description = Text(max=5000, multiline=True, allow_none=True)
    content = fields.Dict()
    completion_criteria = fields.Dict()
    duration_minutes = fields.Integer(
        validate=validate.Range(0, 100_000),
        allow_none=True,
        strict=True,
        metadata={"description": "Where it is null, the content says how long it takes."},
    )
    min_seconds = fields.Integer(validate=validate.Range(0, 86_400), strict=True)
    is_preview = fields.Boolean()
    is_published = fields.Boolean()
    allow_comments = fields.Boolean()
    attachments = fields.List(
        fields.UUID(),
        validate=validate.Length(max=50),
        metadata={"description": "Files to offer beside the content: all of them, in order.", "example": []},
    )
    transcript = Text(max=500_000, multiline=True, allow_none=True)


class LessonCreateSchema(LessonChangeSchema):
    """A new lesson; it goes to the end of its module."""

    title = Text(min=1, max=255, required=True)
    content_type = fields.String(required=True, validate=validate.Regexp(r"[a-z_]{1,50}\Z"))
    content = fields.Dict(required=True)
