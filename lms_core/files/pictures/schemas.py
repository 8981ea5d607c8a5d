"""The representations of avatars."""

from marshmallow import fields, validate

from lms_core.files.pictures.drawing import SQUARES
from lms_core.kernel.schemas import Schema

SIZES = (*map(str, SQUARES), "thumbnail")


class AvatarQuery(Schema):
    """Which of an avatar's pictures: a square of so many pixels, or the whole picture as a thumbnail."""

    size = fields.String(load_default="200", validate=validate.OneOf(SIZES))
    type = fields.String(
        load_default=None,
        validate=validate.OneOf(("webp",)),
        metadata={"description": "`webp`; without it JPEG, or PNG where the picture is not opaque."},
    )


class AvatarSchema(Schema):
    """An avatar that was set; it is at this path of the site, and with ``size`` and ``type`` in its other forms."""

    avatar_url = fields.String(
        metadata={
            "description": "A path of this site.",
            "example": "/api/v1/avatars/3f0d2c5e-8a51-4b9e-9f7a-2d5c1e7b6a9",
        }
    )
