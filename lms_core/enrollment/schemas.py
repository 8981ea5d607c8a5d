"""The representations of enrollments."""

from collections.abc import Callable, Mapping
from typing import Any

from marshmallow import EXCLUDE, fields, post_load

from lms_core.enrollment.methods import EnrollmentMethod
from lms_core.kernel.openapi import json_schema
from lms_core.kernel.schemas import Number, Percentage, Schema, Timestamp


class EnrollmentSchema(Schema):
    """A student's part in a course.

    It lets the student in while it is ``active`` or ``completed``, from ``startsAt`` until ``endsAt``. What is
    completed stays so, though it lets nobody in any more.
    """

    id = fields.UUID()
    user_id = fields.UUID()
    course_id = fields.UUID()
    status = fields.String()
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
    updated_at = Timestamp(metadata={"description": "When state, dates or accommodations changed; not for progress."})


class EnrollSchema(Schema):
    """The course to enroll in, and beside it what its enrollment method asks for (`GET /enrollment-methods`)."""

    class Meta(Schema.Meta):
        # The method has the last word on them, and refuses what it does not know.
        unknown = EXCLUDE

    course_id = fields.UUID(required=True)

    @post_load(pass_original=True)
    def _details(self, loaded: dict[str, Any], sent: Mapping[str, Any], **_kwargs: Any) -> dict[str, Any]:
        return {**loaded, "details": {key: value for key, value in sent.items() if key != "courseId"}}


class ApplicantSchema(Schema):
    """Somebody who wants to join a course."""

    id = fields.UUID()
    name = fields.String()
    avatar_url = fields.String(allow_none=True)


class JoinedCourseSchema(Schema):
    """The course that somebody wants to join."""

    id = fields.UUID()
    title = fields.String()
    slug = fields.String()


class EnrollmentMethodSchema(Schema):
    """A way into a course: all that a client needs to offer it, to students and to authors."""

    name = fields.String(metadata={"description": "What a course's `enrollmentType` says."})
    title = fields.String()
    schema = fields.Dict(metadata={"description": "JSON Schema of what is sent beside `courseId` to enroll."})
    settings = fields.Dict(metadata={"description": "JSON Schema of a course's `enrollmentSettings`."})


def described(method: EnrollmentMethod, translate: Callable[[str], str]) -> dict[str, Any]:
    """A row of the list, in the language of whoever asks."""
    return {
        "name": method.name,
        "title": translate(method.title),
        "schema": json_schema(method.schema, translate),
        "settings": json_schema(method.settings, translate),
    }
