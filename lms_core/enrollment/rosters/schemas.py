"""The representations of rosters."""

import datetime as dt
from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from lms_core.enrollment.lifecycle.schemas import STATUSES
from lms_core.enrollment.rosters.queries import AT_ONCE, MOST, SORTS
from lms_core.kernel.i18n import _
from lms_core.kernel.pagination import PageQuery
from lms_core.kernel.schemas import Number, Part, Percentage, Schema, Text, Timestamp

_MOST_TYPES = 20
FORMATS = ("csv", "xlsx")


class RosterFilters(Schema):
    """What chooses students of a course."""

    status = fields.List(
        fields.String(validate=validate.OneOf(STATUSES)),
        validate=validate.Length(max=len(STATUSES)),
        metadata={"description": "One of these states; any, if none is named."},
    )
    enrollment_type = fields.List(
        Text(min=1, max=50),
        validate=validate.Length(max=_MOST_TYPES),
        metadata={"description": "How the student came to take the course.", "example": ["self"]},
    )
    search = Text(
        max=200,
        metadata={"description": "A part of the name; of the e-mail address too, for who may see it."},
    )
    inactive_since = Timestamp(metadata={"description": "Nothing was done in the course from then on."})
    min_progress = fields.Integer(validate=validate.Range(0, 100))
    max_progress = fields.Integer(validate=validate.Range(0, 100))
    has_access = fields.Boolean(
        metadata={"description": "Whether the enrollment lets its student in now: a completed one may be over, too."}
    )
    ends_after = Timestamp(metadata={"description": "`endsAt` is later; who has no end is left out."})
    ends_before = Timestamp(metadata={"description": "`endsAt` is earlier; who has no end is left out."})

    @validates_schema
    def _range(self, data: dict[str, Any], **kwargs: Any) -> None:
        if data.get("min_progress", 0) > data.get("max_progress", 100):
            raise ValidationError(_("The least progress is above the most."), "minProgress")


class RosterQuery(RosterFilters, PageQuery):
    """Filters and order of a roster."""

    sort = fields.String(
        validate=validate.OneOf(SORTS),
        load_default="name",
        metadata={"description": "With `-` from the last to the first; who has no activity or grade stands last."},
    )


class RosterExportQuery(RosterFilters):
    """Filters and form of a roster's file."""

    format = fields.String(validate=validate.OneOf(FORMATS), load_default="csv")
    bom = fields.Boolean(
        load_default=True,
        metadata={"description": "A mark at the beginning of a CSV, by which Excel knows that it is UTF-8."},
    )


class StudentSchema(Schema):
    """Somebody who attends a course."""

    id = fields.UUID()
    name = fields.String()
    display_name = fields.String(allow_none=True)
    avatar_url = fields.String(allow_none=True)
    email = fields.String(allow_none=True, metadata={"description": "Null without the permission `rosters:contact`."})


class RosterEntrySchema(Schema):
    """A student of the course, for those who run it."""

    id = fields.UUID(metadata={"description": "The enrollment's."})
    student = Part(StudentSchema, "student_")
    status = fields.String(metadata={"enum": list(STATUSES)})
    enrollment_type = fields.String()
    enrolled_at = Timestamp()
    starts_at = Timestamp(allow_none=True)
    expires_at = Timestamp(allow_none=True)
    ends_at = Timestamp(
        allow_none=True,
        metadata={"description": "`expiresAt`, or the later time that was granted to this student alone."},
    )
    started_at = Timestamp(allow_none=True)
    completed_at = Timestamp(allow_none=True)
    suspended_at = Timestamp(allow_none=True)
    suspended_reason = fields.String(allow_none=True)
    dropped_at = Timestamp(allow_none=True)
    dropped_reason = fields.String(allow_none=True)
    progress_percentage = Percentage()
    lessons_completed = fields.Integer()
    lessons_total = fields.Integer()
    grade = fields.String(allow_none=True, metadata={"example": "B+"})
    grade_points = Number(allow_none=True)
    time_spent_seconds = fields.Integer()
    last_accessed_at = Timestamp(allow_none=True)
    certificate_issued_at = Timestamp(allow_none=True)
    has_notes = fields.Boolean(metadata={"description": "See `/enrollments/{enrollmentId}/notes`."})
    updated_at = Timestamp(metadata={"description": "When state, dates or accommodations changed; not for progress."})


class EnrolledPersonSchema(Schema):
    """Somebody to enroll, by id or e-mail address."""

    example = {"email": "robin@example.org", "expiresAt": "2027-01-31T00:00:00Z"}
    user_id = fields.UUID()
    email = Text(min=3, max=254)
    starts_at = Timestamp(allow_none=True)
    expires_at = Timestamp(allow_none=True)

    @validates_schema
    def _fits(self, data: dict[str, Any], **_kwargs: Any) -> None:
        if ("user_id" in data) == ("email" in data):
            raise ValidationError({"userId": [_("Name the person by userId or by email.")]})
        starts, expires = data.get("starts_at"), data.get("expires_at")
        if starts is not None and expires is not None and expires <= starts:
            raise ValidationError({"expiresAt": [_("Must be later than the start.")]})
        if expires is not None and expires <= dt.datetime.now(dt.UTC):
            raise ValidationError({"expiresAt": [_("The end has to be in the future.")]})


class EnrollManyQuery(Schema):
    """What is to become of a list that is sent."""

    dry_run = fields.Boolean(load_default=False, metadata={"description": "Only say what would become of it."})
    all_or_nothing = fields.Boolean(
        load_default=False, metadata={"description": "Enroll nobody, if anybody has to be refused."}
    )
    waive_prerequisites = fields.Boolean(
        load_default=False,
        metadata={"description": "Enroll those too who have not completed what the course presupposes."},
    )


class EnrollManySchema(EnrollManyQuery):
    """People to enroll."""

    students = fields.List(fields.Nested(EnrolledPersonSchema), required=True, validate=validate.Length(1, MOST))


class EnrollResultSchema(Schema):
    """What became of somebody on the list."""

    line = fields.Integer(
        metadata={"description": "From 1: the place in the list, or the line of the CSV on which it begins."}
    )
    named = fields.String(metadata={"description": "As the list names them."})
    outcome = fields.String(
        metadata={
            "example": "enrolled",
            "description": "`enrolled`, or what was in the way: `already_enrolled`, `user_unknown`, `course_full`, "
            "`enrollment_suspended`, `prerequisites_missing`, `named_twice`, `invalid`.",
        }
    )
    detail = fields.String(allow_none=True, metadata={"description": "The same in words."})
    enrollment_id = fields.UUID(allow_none=True)
    missing_prerequisites = fields.List(
        fields.String(),
        metadata={
            "example": [],
            "description": "Codes of courses that were not completed: why they are refused, or what was waived.",
        },
    )


class EnrollReportSchema(Schema):
    """What became of a list."""

    applied = fields.Boolean(metadata={"description": "Whether it was done; else this is what would have become."})
    enrolled = fields.Integer()
    refused = fields.Integer(metadata={"description": "Without those who take the course already."})
    results = fields.List(fields.Nested(EnrollResultSchema))


class ChosenSchema(Schema):
    """Students of the course: by the ids of their enrollments, or by the filters of the list."""

    example = {"filter": {"status": ["active"], "maxProgress": 0}, "reason": "Nobody came."}
    ids = fields.List(fields.UUID(), validate=validate.Length(1, AT_ONCE))
    filter = fields.Nested(RosterFilters)

    @validates_schema
    def _one_way(self, data: dict[str, Any], **_kwargs: Any) -> None:
        if ("ids" in data) == ("filter" in data):
            raise ValidationError({"ids": [_("Choose by ids or by filter.")]})


class ChangeManySchema(ChosenSchema):
    """Students of the course, and why it is done; they can read it."""

    reason = Text(max=500, multiline=True, allow_none=True, load_default=None)


class StudentsMessageSchema(ChosenSchema):
    """A message, as plain text, and the students whom it is for."""

    example = {
        "filter": {"inactiveSince": "2026-10-01T00:00:00Z"},
        "subject": "We miss you",
        "body": "Shall we find a time to talk?",
    }
    subject = Text(min=1, max=150, required=True)
    body = Text(min=1, max=5_000, multiline=True, required=True)


class SkippedSchema(Schema):
    """Somebody of whom nothing was changed, or whom a message does not reach."""

    id = fields.UUID(metadata={"description": "The enrollment's."})
    code = fields.String(metadata={"example": "enrollment_dropped"})


class ChangedManySchema(Schema):
    """What became of the chosen students."""

    changed = fields.Integer()
    skipped = fields.List(fields.Nested(SkippedSchema), metadata={"description": "Of those chosen by id."})
    more = fields.Boolean(
        metadata={
            "description": f"Whether there may be more: a filter changes {AT_ONCE} at once, and can be sent again."
        }
    )


class StudentsMessageSentSchema(Schema):
    """To whom a message goes."""

    recipients = fields.Integer(metadata={"description": "Each gets a notification, and a mail unless they declined."})
    skipped = fields.List(fields.Nested(SkippedSchema), metadata={"description": "Of those chosen by id."})
