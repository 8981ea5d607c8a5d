"""The representation of an outline."""

from marshmallow import fields, validate

from lms_core.kernel.schemas import Number, Percentage, Schema, Timestamp, Written
from lms_core.learning.outline.structure import AVAILABLE, COMPLETED, IN_PROGRESS, LOCKED

_STATE = {"enum": [AVAILABLE, IN_PROGRESS, COMPLETED, LOCKED], "example": AVAILABLE}


class OutlineQuery(Schema):
    """Which state of the course."""

    as_ = fields.String(
        data_key="as",
        validate=validate.OneOf(("published",)),
        load_default=None,
        metadata={"description": "`published`: who runs the course sees what its students see, and not the draft."},
    )


class ReasonSchema(Schema):
    """A condition that does not hold yet; of the fields only those that belong to it are there."""

    code = fields.String(
        metadata={
            "description": "`scheduled`, `relative` and `not_started_yet` have `unlocksAt`; `sequential` and"
            " `prerequisite` name in `moduleIds` what is to be completed; `minimum_score` where which score is"
            " `required`. `not_enrolled`, `enrollment_suspended`, `enrollment_dropped` and `enrollment_expired` lock"
            " every module.",
            "example": "scheduled",
        }
    )
    unlocks_at = Timestamp()
    module_ids = fields.List(fields.UUID())
    required = fields.Integer(metadata={"description": "In percent."})
    actual = Number(allow_none=True, metadata={"description": "In percent; null where nothing is scored yet."})


class OutlineLessonSchema(Schema):
    """A lesson: `locked` for the reasons of its module, unless it is a preview or was begun before."""

    id = fields.UUID()
    title = fields.String()
    content_type = fields.String()
    duration_minutes = fields.Integer(allow_none=True)
    is_preview = fields.Boolean()
    is_published = fields.Boolean(metadata={"description": "In the draft only."})
    state = fields.String(metadata=_STATE)


class OutlineModuleSchema(Schema):
    """A module, and why it is locked where it is."""

    id = fields.UUID()
    title = fields.String()
    description = fields.String(allow_none=True)
    duration_minutes = fields.Integer(allow_none=True)
    is_published = fields.Boolean(metadata={"description": "In the draft only."})
    state = fields.String(metadata=_STATE)
    reasons = fields.List(fields.Nested(ReasonSchema), metadata={"example": []})
    lessons_completed = fields.Integer()
    lessons_total = fields.Integer()
    progress_percentage = Percentage()
    unlocked_at = Timestamp(
        allow_none=True,
        metadata={
            "description": "When it opened to this student alone: by what they did, or by a date of theirs.",
            "example": None,
        },
    )
    completed_at = Timestamp(allow_none=True, metadata={"example": None})
    lessons = fields.List(fields.Nested(OutlineLessonSchema))


class OutlineEnrollmentSchema(Schema):
    """The caller's part in the course."""

    id = fields.UUID()
    status = fields.String()
    enrolled_at = Timestamp()
    starts_at = Timestamp(allow_none=True)
    ends_at = Timestamp(allow_none=True)
    completed_at = Timestamp(allow_none=True)
    progress_percentage = Percentage()
    lessons_completed = fields.Integer()
    lessons_total = fields.Integer()


class OutlineSchema(Schema):
    """A course as the caller sees it."""

    course_id = fields.UUID()
    title = fields.String()
    version = fields.Integer(allow_none=True, metadata={"description": "Null for the draft.", "example": 3})
    enrollment = Written(OutlineEnrollmentSchema, allow_none=True)
    continue_lesson_id = fields.UUID(
        allow_none=True, metadata={"description": "Where to go on: the lesson begun last, or the next one."}
    )
    modules = Written(OutlineModuleSchema, many=True)


class ExplainQuery(Schema):
    """Whose outline."""

    user_id = fields.UUID(required=True, metadata={"description": "A student of the course."})


class ConditionSchema(ReasonSchema):
    """A condition, whether it held, and whether what was granted to this student decided it."""

    passed = fields.Boolean()
    accommodated = fields.Boolean(
        metadata={"example": False, "description": "Not there without the permission `accommodations:read`."}
    )


class ExplainedModuleSchema(Schema):
    """What decided about a module; it is open if every condition held, or if the student has begun it."""

    id = fields.UUID()
    title = fields.String()
    is_open = fields.Boolean()
    begun = fields.Boolean()
    conditions = Written(ConditionSchema, many=True)


class ExplanationSchema(Schema):
    """What decided about each module for one student."""

    course_id = fields.UUID()
    user_id = fields.UUID()
    title = fields.String()
    version = fields.Integer(metadata={"example": 3})
    at = Timestamp(metadata={"description": "The moment that counted."})
    enrollment = Written(OutlineEnrollmentSchema, allow_none=True)
    modules = fields.List(fields.Nested(ExplainedModuleSchema))
