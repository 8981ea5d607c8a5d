"""What an author sends becomes the content of a lesson."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy.orm import Session

from lms_core.courses.content.queries import usable_files
from lms_core.courses.content.types import (
    Content,
    ContentContext,
    ContentFile,
    ContentType,
    Evidence,
    Lack,
    available_type,
    content_type,
    content_types,
)
from lms_core.courses.events import LessonContentChanged
from lms_core.courses.models import Lesson, LessonRevision
from lms_core.kernel import schemas
from lms_core.kernel.core import Core
from lms_core.kernel.errors import Invalid
from lms_core.kernel.events import publish_all
from lms_core.kernel.schemas import Schema

CONTENT_FIELDS = frozenset({"content", "completion_criteria", "duration_minutes", "attachments"})
"""The columns that hold more, or less, than what an author sends."""


@dataclass(frozen=True, slots=True)
class Made:
    """Content that was checked, what was taken out of it, and the files it uses."""

    content: Content
    removed: tuple[str, ...]
    files: tuple[ContentFile, ...]

    @property
    def attachments(self) -> list[Content]:
        """Entries of ``lessons.attachments``."""
        return [attachment(file) for file in self.files]


def attachment(file: ContentFile, mark: str | None = None) -> Content:
    """An entry of ``lessons.attachments``: who may read the lesson may read the file.

    One without a ``mark`` is used by the content, one that is ``derived`` was made of such a file, and one that is
    ``attached`` was put beside the content by an author. A file that is both used and attached has two entries.
    """
    entry: Content = {"fileId": str(file.id), "name": file.name, "size": file.size, "type": file.mime_type}
    return entry if mark is None else {**entry, mark: True}


def marked(entries: Iterable[Content], mark: str) -> list[Content]:
    return [entry for entry in entries if entry.get(mark)]


def ordered(entries: Iterable[Content]) -> list[Content]:
    """The files of the content, those made of them, and those beside it: so that equal lessons look equal."""
    return sorted(entries, key=lambda entry: (entry.get("attached", False), entry.get("derived", False)))


def make(kind: ContentType, sent: Mapping[str, Any], context: ContentContext) -> Made:
    """Check and clean content. Raises 422 with errors below ``content``: ``invalid``, and what the type raises."""
    try:
        prepared = kind.prepare(_checked(kind.schema(), sent), context)
    except Invalid as error:
        raise Invalid(error.code, error.detail, errors={"content": error.errors or {}}) from None
    return Made(prepared.content, tuple(prepared.removed), tuple(context.used.values()))


def check_criteria(kind: ContentType, sent: Mapping[str, Any]) -> Content:
    """Check completion criteria. Raises 422 ``invalid`` with errors below ``completionCriteria``."""
    try:
        return _checked(kind.criteria(), sent)
    except Invalid as error:
        raise Invalid(error.code, error.detail, errors={"completionCriteria": error.errors}) from None


def derived_fields(schema: Schema) -> frozenset[str]:
    """The keys of fields that are not the author's."""
    return frozenset(field.data_key or name for name, field in schema.fields.items() if field.dump_only)


def _checked(schema: Schema, sent: Mapping[str, Any]) -> Content:
    """What the schema loads, as JSON again: clean, with the fields of the author alone."""
    derived = derived_fields(schema)
    return schemas.load_json(schema, {key: value for key, value in sent.items() if key not in derived})


def new_lesson(
    db: Session, core: Core, course_id: uuid.UUID, author_id: uuid.UUID, values: Mapping[str, Any]
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The columns of a lesson that an author begins, and what was taken out of its content."""
    kind = content_type(core, values["content_type"])
    context = _context(db, core, course_id, author_id)
    made = make(kind, values["content"], context)
    columns = {**values, **columns_of(kind, made, given=values.get("duration_minutes"))}
    columns["attachments"] += _attached(context, values.get("attachments", ()))
    if "completion_criteria" in values:
        columns["completion_criteria"] = check_criteria(kind, values["completion_criteria"])
    return columns, made.removed


def columns_of(kind: ContentType, made: Made, *, given: int | None = None) -> dict[str, Any]:
    """The columns of a new lesson that its content decides about; ``given`` are the minutes that its author says."""
    return {
        "content": made.content,
        "attachments": made.attachments,
        "duration_minutes": kind.minutes(made.content) if given is None else given,
        "duration_given": given is not None,
    }


def change_lesson(
    db: Session, core: Core, course_id: uuid.UUID, author_id: uuid.UUID, lesson: Lesson, values: Mapping[str, Any]
) -> tuple[str, ...]:
    """Change what an author sends of :data:`CONTENT_FIELDS`.

    Answers what was taken out of the content. Raises 409 ``content_type_unavailable`` where the type is needed and not
    there, and 422 as :func:`make` does.
    """
    removed, context = tuple[str, ...](), _context(db, core, course_id, author_id)
    if "content" in values:
        kind = available_type(core, lesson.content_type)
        made = make(kind, values["content"], context)
        _replace(lesson, kind, made)
        removed = made.removed
    if "attachments" in values:
        others = [entry for entry in lesson.attachments if not entry.get("attached")]
        lesson.attachments = others + _attached(context, values["attachments"])
    if "completion_criteria" in values:
        kind = available_type(core, lesson.content_type)
        lesson.completion_criteria = check_criteria(kind, values["completion_criteria"])
    if "duration_minutes" in values:
        lesson.duration_minutes = values["duration_minutes"]
        lesson.duration_given = lesson.duration_minutes is not None
    if values.keys() & CONTENT_FIELDS:
        settle_minutes(core, lesson)
    return removed


def _replace(lesson: Lesson, kind: ContentType, made: Made) -> None:
    """What was found out about the files stays for as long as nothing has changed that it was told by."""
    attachments = made.attachments
    if any(made.content.get(field) != lesson.content.get(field) for field in kind.processed):
        lesson.derived = {}
    else:
        attachments += marked(lesson.attachments, "derived")
    attachments += marked(lesson.attachments, "attached")
    lesson.content, lesson.attachments = made.content, attachments


def _attached(context: ContentContext, file_ids: Iterable[uuid.UUID]) -> list[Content]:
    """Raises 422 ``file_unknown`` and ``file_infected``."""
    return [attachment(file, "attached") for file in context.files(dict.fromkeys(map(str, file_ids)), "attachments")]


def settle_minutes(core: Core, lesson: Lesson | LessonRevision) -> None:
    """Where the author does not say how long the lesson takes, its content does."""
    kind = content_types(core).get(lesson.content_type)
    if kind is not None and not lesson.duration_given:
        lesson.duration_minutes = kind.minutes(lesson.shown_content)


def announce(db: Session, lesson_ids: Iterable[uuid.UUID], author_id: uuid.UUID | None) -> None:
    """Have the lessons' files looked into once the transaction has committed."""
    publish_all(db, [LessonContentChanged(lesson_id) for lesson_id in lesson_ids], actor_id=author_id)


@dataclass(frozen=True, slots=True)
class Measure:
    """How much of a lesson there is to see, and how many parts a second; None where that is not known, or no bound."""

    extent: int | None = None
    pace: float | None = None


def measured_fields(core: Core) -> dict[str, list[str]]:
    """By content type, the fields that tell how much there is; types that need none are left out."""
    return {name: list(kind.measured) for name, kind in content_types(core).items() if kind.measured}


def measure(core: Core, content_type: str, measured: Mapping[str, Any] | None) -> Measure:
    """How much there is of a lesson, told by its :func:`measured_fields`."""
    kind = content_types(core).get(content_type)
    return Measure(kind.extent(measured or {}), kind.pace) if kind is not None and kind.parts else Measure()


def lacking(core: Core, content_type: str, criteria: Mapping[str, Any], **known: Any) -> Sequence[Lack]:
    """What a student lacks, by what is ``known`` as :class:`Evidence`.

    Where the type is switched off nobody can show the lesson, and nothing is asked.
    """
    kind = content_types(core).get(content_type)
    return kind.lacking(criteria, Evidence(**known)) if kind is not None and criteria else ()


def _context(db: Session, core: Core, course_id: uuid.UUID, author_id: uuid.UUID) -> ContentContext:
    return ContentContext(core.settings, partial(usable_files, db, author_id, course_id))
