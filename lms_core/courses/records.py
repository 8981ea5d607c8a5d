"""All that an author can say of a course, a module and a lesson, in the JSON of the API, on its way out and back in.

The schemas are those of the API with what it does not let an author write yet, so a field that is added there travels
too. What comes back is as hostile as anything: each field has to pass as if an author had sent it.
"""

import re
from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError, fields, validate

from lms_core.courses.references import map_texts
from lms_core.courses.schemas import CourseChangeSchema, LessonChangeSchema, ModuleChangeSchema
from lms_core.kernel.schemas import Schema

UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
"""What the database, or a reader's screen, cannot hold."""


class CourseRecord(CourseChangeSchema):
    """A course; its slug is made from the title wherever it arrives, and when it can be joined is said there anew.

    ``thumbnail_file_id`` refers to a file.
    """

    thumbnail_file_id = fields.String(  # type: ignore[assignment]  # Ids mean nothing elsewhere.
        allow_none=True, validate=validate.Length(max=1000)
    )

    class Meta(CourseChangeSchema.Meta):
        exclude = ("slug", "enrollment_opens_at", "enrollment_closes_at")


class ModuleRecord(ModuleChangeSchema):
    """A module; ``prerequisites`` are the places of other modules in the course, from 0."""

    prerequisites: fields.List[Any] = fields.List(fields.Integer(strict=True), validate=validate.Length(max=1000))


class LessonRecord(LessonChangeSchema):
    """A lesson; ``attachments`` refer to the files beside its content.

    ``duration_given`` says that its duration is the author's word, and not what its content told.
    """

    content_type = fields.String(validate=validate.Regexp(r"[a-z_]{1,50}\Z"))
    duration_given = fields.Boolean()
    attachments: fields.List[Any] = fields.List(fields.String(), validate=validate.Length(max=10_000))


def load_record(schema: Schema, record: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """What of a record can be used, by attribute; and the names of the fields that cannot."""
    try:
        clean = {key: map_texts(value, lambda text: UNPRINTABLE.sub("", text)) for key, value in record.items()}
    except ValueError:
        return {}, sorted(record)
    try:
        return dict(schema.load(clean)), []
    except ValidationError as error:
        refused = set(error.messages) & set(clean)
        return dict(schema.load({key: clean[key] for key in clean.keys() - refused})), sorted(refused)
