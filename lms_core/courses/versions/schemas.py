"""The representations of a course's versions."""

from marshmallow import fields

from lms_core.courses.schemas import ModuleOutlineSchema, PersonSchema
from lms_core.kernel.schemas import Part, Schema, Text, Timestamp


class VersionSchema(Schema):
    """One publication of a course."""

    number = fields.Integer(metadata={"description": "From 1, one more with each publication.", "example": 3})
    note = fields.String(allow_none=True)
    published_at = Timestamp()
    published_by = Part(PersonSchema, "published_by_")
    lessons_total = fields.Integer()
    is_current = fields.Boolean(metadata={"description": "Whether students see this one."})


class VersionOutlineSchema(VersionSchema):
    """A version with its modules and the titles of their lessons, in order."""

    modules = fields.List(fields.Nested(ModuleOutlineSchema))


class VersionNoteSchema(Schema):
    """What an author says about a version."""

    note = Text(max=2000, multiline=True, allow_none=True, required=True)


class DraftChangeSchema(Schema):
    """A module or a lesson in which the draft differs from what students see."""

    kind = fields.String(metadata={"enum": ["module", "lesson"], "example": "lesson"})
    id = fields.UUID()
    title = fields.String()
    module_id = fields.UUID(allow_none=True, metadata={"description": "The module of a lesson."})
    changes = fields.List(
        fields.String(metadata={"enum": ["added", "removed", "edited", "moved"], "example": "edited"})
    )
