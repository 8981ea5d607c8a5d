"""Examples for the OpenAPI document, derived from the schemas, so that none has to be kept up by hand.

A field says ``metadata={"example": ...}`` where its name and type tell too little; a schema whose fields depend on
each other says ``example = {...}`` as a whole.
"""

import re
import uuid
from collections.abc import Mapping
from typing import Any

import marshmallow
from marshmallow import fields, validate

from lms_core.kernel.openapi.operations import Binary
from lms_core.kernel.schemas import Money, Number, Part, Percentage, Timestamp

_NAMES: tuple[tuple[str, Any], ...] = (
    (r"email", "robin@example.org"),
    (r"(current_|new_|old_)?password", "Quite-a-long-one-1"),
    (r"first_name", "Robin"),
    (r"last_name", "Reed"),
    (r"(full|display|instructor|author|student|user)_name", "Robin Reed"),
    (r"title|subject", "Linear algebra"),
    (r"name", "Linear algebra"),
    (r"slug", "linear-algebra"),
    (r"(short_)?description|summary", "Vectors, matrices, and what they are good for."),
    (r"message|reason|comment|note|text|body|.*response|review_\w+", "Thank you, that was clear."),
    (r"content|.*html", "<p>A vector has a length and a direction.</p>"),
    (r"syllabus", "Vectors; matrices; eigenvalues."),
    (r"target_audience", "Students in their first year."),
    (r"transcript", "Welcome to the first lesson."),
    (r"removed", "script"),
    (r"role", "co_instructor"),
    (r".*url|.*uri|link", "https://lms.example.org/courses/linear-algebra"),
    (r"(preferred_)?language|locale|.*lang", "en"),
    (r"time_?zone", "Europe/Vienna"),
    (r"country", "AT"),
    (r"currency", "EUR"),
    (r"phone", "+43 1 234567"),
    (r"gender", "female"),
    (r"ip_address|address", "192.0.2.17"),
    (r".*token|challenge|secret", "mUt3fO0xM2pQ1nq0y9cN4dV7sZ6hR8kLbW5aXeTgJiE"),
    (r"csrf.*", "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"),
    (r"code", "MATH-101"),
    (r"level", "beginner"),
    (r"status|state", "active"),
    (r"enrollment_type", "open"),
    (r"content_type", "text"),
    (r"priority", "normal"),
    (r"mime_type|media_type", "image/png"),
    (r"type", "course"),
    (r"tags?", "mathematics"),
    (r"category", "Mathematics"),
    (r"sub_category", "Algebra"),
    (r"(learning_)?outcomes", "Solve systems of linear equations."),
    (r"requirements", "School mathematics."),
    (r"groups?", "student"),
    (r"permissions?|effective", "courses:read:enrolled"),
    (r"cursor|next", "W1sidCIsIjIwMjYtMDEtMzFUMTI6MDA6MDArMDA6MDAiXV0"),
    (r"search|query|q", "algebra"),
    (r"checksum|.*hash|.*sha256", "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"),
    (r"file_?name", "lecture-1.pdf"),
    (r"browser", "Firefox"),
    (r"os", "Linux"),
    (r".*_version", "140.0"),
    (r"device_name", "Firefox / Linux"),
    (r"device_type", "desktop"),
    (r"bio", "Teaches mathematics."),
)  # fmt: skip
"""By the field's name in Python; the first that fits."""

_OBJECTS: Mapping[str, Any] = {
    "content": {"html": "<p>A vector has a length and a direction.</p>"},
    "data": {"courseId": "aa744cf7-6676-5018-a612-9ee6f03c00f0"},
    "location": {"country": "AT", "city": "Vienna"},
}
"""Of fields that hold an object of any shape."""
_NUMBERS: tuple[tuple[str, int], ...] = (
    (r"page|order_index|position", 1),
    (r"limit", 20),
    (r".*bytes|.*size", 482_133),
    (r".*minutes", 45),
    (r".*seconds|expires_in", 900),
    (r".*count|total|.*_total", 12),
)
_TIME, _DATE = "2026-01-31T12:00:00Z", "1994-05-17"
_NOT_YET = re.compile(r"(archived|deleted|dismissed|expires|revoked|suspended)_at|pending_\w+")
"""What is null of most things that can have it."""
_SPACE = uuid.UUID("6f6f3c0a-5d0e-4a53-9a7b-7d1c6a0a0e11")


def example_of(schema: type[marshmallow.Schema] | marshmallow.Schema, *, sent: bool) -> dict[str, Any]:
    """What somebody sends (``sent``), or is answered."""
    made = schema() if isinstance(schema, type) else schema
    whole: Mapping[str, Any] | None = getattr(made, "example", None)
    if whole is not None:
        return dict(whole)
    chosen = made.load_fields if sent else made.dump_fields
    own = type(made).__name__
    return {field.data_key or name: field_example(name, field, sent=sent, own=own) for name, field in chosen.items()}


def field_example(name: str, field: fields.Field[Any], *, sent: bool = True, own: str = "") -> Any:
    """A value of one field; ``own`` is the name of the schema it belongs to, whose ``id`` it may be."""
    if "example" in field.metadata:
        return field.metadata["example"]
    if "enum" in field.metadata:
        return field.metadata["enum"][0]
    if field.allow_none and _NOT_YET.fullmatch(name):
        return None
    for check in field.validators:
        if isinstance(check, validate.OneOf):
            return next(iter(check.choices))
    if isinstance(field, fields.List):
        return [field_example(name, field.inner, sent=sent, own=own)]
    if isinstance(field, Part):
        return example_of(field.schema_class, sent=sent)
    if isinstance(field, fields.Nested):
        inner = example_of(field.schema, sent=sent)
        return [inner] if field.many else inner
    if isinstance(field, fields.Constant):
        return field.constant
    if isinstance(field, fields.UUID):
        return named_example(own if name == "id" else name)
    return _number(name, field) if isinstance(field, fields.Integer) else _plain(name, field)


def _plain(name: str, field: fields.Field[Any]) -> Any:
    if isinstance(field, fields.Dict | fields.Raw) and not isinstance(field, Binary):
        return [] if field.metadata.get("type") == "array" else _OBJECTS.get(name, {})
    for kind, value in _KINDS:
        if isinstance(field, kind):
            return value
    found = next((value for pattern, value in _NAMES if re.fullmatch(pattern, name)), None)
    return found if found is not None else name.replace("_", " ").capitalize()


_KINDS: tuple[tuple[type, Any], ...] = (
    (fields.Boolean, True),
    (Timestamp, _TIME),
    (fields.Date, _DATE),
    (Money, "49.00"),
    (Number, 4.5),
    (Percentage, 60),
    (fields.Float, 0.5),
    (Binary, "(bytes)"),
)


def _number(name: str, field: fields.Field[Any]) -> int:
    number = next((value for pattern, value in _NUMBERS if re.fullmatch(pattern, name)), 3)
    for check in field.validators:
        if isinstance(check, validate.Range):
            number = max(number, check.min if check.min is not None else number)
            number = min(number, check.max if check.max is not None else number)
    return number


def named_example(name: str) -> str:
    """An id; that of a course is the same wherever a course is named: ``CourseSchema.id`` and ``course_id``."""
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name.removesuffix("Schema")).lower()
    return str(uuid.uuid5(_SPACE, re.sub(r"_id$|_(card|saved|list|outline|summary)$", "", words)))
