"""The representations of progress."""

from typing import Any

from marshmallow import ValidationError, fields, validate

from lms_core.kernel.i18n import _
from lms_core.kernel.schemas import Percentage, Schema, Timestamp

FURTHEST = 10_000_000
"""Parts that a lesson can have: a hundred days of seconds."""
OLDEST = 366 * 86_400
"""Seconds that a beat may come late: of a device that was offline."""
_AGE = "Seconds since it was so, reckoned anew each time that the beat is sent: a late one moves no position back."
_PIECE = "Each `[first, end]`: the first part, counted from 0, and the one after the last. What a part is, "
_PIECE += "the content type says (`GET /content-types`): a second, a page, a percent of a text."


def _pieces(**kwargs: Any) -> fields.List[Any]:
    """Pieces of a lesson: ``[[0, 30], [45, 60]]``."""
    spot = fields.Integer(strict=True, validate=validate.Range(0, FURTHEST))
    piece = fields.List(spot, validate=validate.Length(equal=2))
    return fields.List(piece, metadata={"description": _PIECE, "example": [[0, 30], [45, 60]]}, **kwargs)


def _forward(pieces: list[list[int]]) -> None:
    if any(first >= end for first, end in pieces):
        raise ValidationError(_("A piece ends behind its beginning."))


class HeartbeatSchema(Schema):
    """What a client has to tell of a lesson that is open, each half a minute or so."""

    seconds = fields.Integer(
        required=True,
        strict=True,
        validate=validate.Range(0, 86_400),
        metadata={"description": "Spent since the last beat that was answered; no more counts than has passed."},
    )
    position = fields.Integer(
        strict=True,
        validate=validate.Range(0, FURTHEST),
        load_default=None,
        metadata={"description": "Where the student is, in parts."},
    )
    seen = _pieces(validate=[validate.Length(max=200), _forward], load_default=list)
    finished = fields.Boolean(
        load_default=False, metadata={"description": "Whether the page that is shown has reported its end."}
    )
    score = fields.Float(
        validate=validate.Range(0, 100),
        load_default=None,
        metadata={"description": "What the page that is shown has reported, in percent; the best one counts."},
    )
    age = fields.Integer(
        strict=True,
        validate=validate.Range(0, OLDEST),
        load_default=0,
        metadata={"description": _AGE},
    )


class ReceiptSchema(Schema):
    """What a heartbeat came to."""

    lesson_id = fields.UUID()
    status = fields.String()
    counted_seconds = fields.Integer(metadata={"description": "Of the `seconds` sent."})
    time_spent_seconds = fields.Integer(metadata={"description": "In the lesson, in all."})
    position = fields.Integer()
    completion_percentage = Percentage(metadata={"description": "Of the lesson."})


class OwnProgressSchema(Schema):
    """A student's state in a lesson, and what it makes of the course."""

    lesson_id = fields.UUID()
    status = fields.String()
    started_at = Timestamp(allow_none=True)
    completed_at = Timestamp(allow_none=True)
    position = fields.Integer(metadata={"description": "Where the student was last, in parts."})
    time_spent_seconds = fields.Integer()
    completion_percentage = Percentage(metadata={"description": "Of the lesson."})
    seen = _pieces()
    finished = fields.Boolean()
    score = Percentage(allow_none=True)
    progress_percentage = Percentage(metadata={"description": "Of the course."})
    course_completed = fields.Boolean()


class LessonProgressSchema(OwnProgressSchema):
    """A student's state in a lesson, and what opened by what was just done."""

    unlocked = fields.List(fields.UUID(metadata={"description": "A module that opened by this."}))
