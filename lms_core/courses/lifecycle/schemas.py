"""What an author sends to copy a course."""

from marshmallow import fields, validate

from lms_core.kernel.schemas import Schema, Text


class DuplicateSchema(Schema):
    """The title and the code of the copy; what is not sent is made from the original's."""

    title = Text(min=1, max=255)
    code = fields.String(
        validate=validate.Regexp(r"[A-Za-z0-9][A-Za-z0-9._-]{0,49}\Z"), metadata={"example": "BIO-101-2"}
    )
