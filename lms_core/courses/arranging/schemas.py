"""What an author sends to rearrange a course."""

from marshmallow import fields, validate

from lms_core.kernel.schemas import Schema

_MOST_SIBLINGS = 5_000


class OrderSchema(Schema):
    """Every sibling, in the order they shall have."""

    ids = fields.List(fields.UUID(), required=True, validate=validate.Length(max=_MOST_SIBLINGS))


class MoveSchema(Schema):
    """Where a lesson goes: a module of the same course, and the place there from 0; without one, the end."""

    module_id = fields.UUID(required=True)
    position = fields.Integer(strict=True, validate=validate.Range(0, _MOST_SIBLINGS))
