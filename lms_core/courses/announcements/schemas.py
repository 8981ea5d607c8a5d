"""The representations of announcements."""

from marshmallow import fields, validate

from lms_core.courses.models import PRIORITIES
from lms_core.courses.schemas import PersonSchema
from lms_core.kernel.pagination import CursorQuery, PageQuery
from lms_core.kernel.schemas import Part, Schema, Text, Timestamp

GROUPS = ("students", "staff")
STATUSES = ("draft", "scheduled", "live", "expired")
_LONGEST = 50_000
"""Characters of HTML that one announcement may hold."""
_MOST_USERS = 500
_STAFF_ONLY = "Null for who does not help to run the course."


class AudienceSchema(Schema):
    """Whom of the course an announcement is for: groups, single people, or both; everybody where both are empty."""

    groups = fields.List(
        fields.String(validate=validate.OneOf(GROUPS)),
        validate=validate.Length(max=len(GROUPS)),
        metadata={"example": ["students"]},
    )
    users = fields.List(
        fields.UUID(),
        validate=validate.Length(max=_MOST_USERS),
        metadata={"description": "People who take or help to run the course."},
    )


class AnnouncementSchema(Schema):
    """An announcement as the caller sees it."""

    id = fields.UUID()
    course_id = fields.UUID()
    title = fields.String()
    content = fields.String(metadata={"description": "Sanitized HTML."})
    priority = fields.String()
    status = fields.String(validate=validate.OneOf(STATUSES))
    author = Part(PersonSchema, "author_")
    is_published = fields.Boolean()
    publish_at = Timestamp()
    expires_at = Timestamp(allow_none=True)
    read_at = Timestamp(allow_none=True, metadata={"description": "When the caller marked it as read."})
    target_audience = fields.Nested(AudienceSchema, allow_none=True, metadata={"description": _STAFF_ONLY})
    read_count = fields.Integer(allow_none=True, metadata={"description": f"How many have read it. {_STAFF_ONLY}"})
    created_at = Timestamp()
    updated_at = Timestamp()


class AnnouncementSavedSchema(AnnouncementSchema):
    """An announcement as it was stored, and which elements sanitizing took out of its HTML."""

    removed = fields.List(fields.String())


class AnnouncementChangeSchema(Schema):
    """What an author may set; only the fields sent are changed."""

    title = Text(min=1, max=255)
    content = fields.String(validate=validate.Length(1, _LONGEST), metadata={"description": "HTML; it is sanitized."})
    priority = fields.String(validate=validate.OneOf(PRIORITIES))
    is_published = fields.Boolean(metadata={"description": "False keeps it, or makes it again, a draft."})
    publish_at = Timestamp(metadata={"description": "From when it is shown; what is not in the future means now."})
    expires_at = Timestamp(allow_none=True, metadata={"description": "Until when; null for ever."})
    target_audience = fields.Nested(AudienceSchema)


class AnnouncementCreateSchema(AnnouncementChangeSchema):
    """A new announcement: shown at once, unless it says otherwise."""

    title = Text(min=1, max=255, required=True)
    content = fields.String(required=True, validate=validate.Length(1, _LONGEST))


class AnnouncementsQuery(PageQuery):
    """Which announcements of a course."""

    status = fields.String(
        validate=validate.OneOf(STATUSES), load_default=None, metadata={"description": "Students see what is live."}
    )
    unread = fields.Boolean(
        load_default=None, metadata={"description": "Only live ones the caller has not read; false: only read ones."}
    )


class MyAnnouncementsQuery(CursorQuery):
    """Which of one's announcements."""

    unread = fields.Boolean(
        load_default=None, metadata={"description": "Only what the caller has not read; false: only what was read."}
    )


class CourseNameSchema(Schema):
    """The course an announcement belongs to."""

    id = fields.UUID()
    title = fields.String()
    slug = fields.String()


class MyAnnouncementSchema(Schema):
    """An announcement of one of the caller's courses."""

    id = fields.UUID()
    course = Part(CourseNameSchema, "course_")
    title = fields.String()
    content = fields.String(metadata={"description": "Sanitized HTML."})
    priority = fields.String()
    author = Part(PersonSchema, "author_")
    publish_at = Timestamp()
    expires_at = Timestamp(allow_none=True)
    read_at = Timestamp(allow_none=True)


class UnreadSchema(Schema):
    """How much waits to be read."""

    unread = fields.Integer(metadata={"description": "Counted up to 1000."})
    unread_is_exact = fields.Boolean(metadata={"description": "False where there are more than 1000."})


class ReadSchema(Schema):
    """That the caller has read it, and when first."""

    announcement_id = fields.UUID()
    read_at = Timestamp()


class ReaderSchema(Schema):
    """Somebody who has read the announcement; ``user`` is null where the account is gone."""

    user = Part(PersonSchema, "user_")
    read_at = Timestamp()
