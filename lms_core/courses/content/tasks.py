"""Looking into the files of a lesson once its author's change is committed."""

import tempfile
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, or_, select, update
from sqlalchemy.orm import Session

from lms_core.courses import service
from lms_core.courses.content.queries import course_of, unseen
from lms_core.courses.content.service import announce, attachment, derived_fields, ordered, settle_minutes
from lms_core.courses.content.types import Content, ContentType, content_types
from lms_core.courses.content.workshop import CannotProcess, Workshop
from lms_core.courses.events import LessonContentChanged
from lms_core.courses.freezing import follow
from lms_core.courses.models import Course, Lesson, LessonRevision, Module
from lms_core.kernel.core import Core
from lms_core.kernel.db import leave_times
from lms_core.kernel.events import Delivery, Undeliverable

State = Lesson | LessonRevision
"""A lesson as its authors see it, or as it was published."""


def look_into(delivery: Delivery, event: LessonContentChanged) -> None:
    """Have the content type find out what it can about every state of the lesson that nobody has looked into yet.

    What was published while it waited is among them; what an author writes meanwhile has an event of its own.
    """
    db = delivery.db
    name = db.scalar(select(Lesson.content_type).where(Lesson.id == event.lesson_id))
    kind = content_types(delivery.core).get(name or "")
    course_id = course_of(db, event.lesson_id)
    if kind is None or not kind.processed or course_id is None:
        return
    sources = {_source(kind, state): state for state in unseen(db, event.lesson_id)}
    for source, state in sources.items():
        files = [uuid.UUID(entry["fileId"]) for entry in state.attachments]
        with tempfile.TemporaryDirectory(prefix="lms-content-") as folder, db.begin_nested() as made:
            workshop = Workshop(db, delivery.registry, files, Path(folder))
            found = _found(kind, dict(state.content), workshop)
            service.lock_course(db, course_id, archived=True)
            states = [each for each in unseen(db, event.lesson_id) if _source(kind, each) == source]
            if states:
                _record(db, delivery.core, course_id, states, found, workshop)
            else:
                made.rollback()  # Takes back the files that were made of a content that nobody has any more.


def _source(kind: ContentType, state: State) -> str:
    """What processing looks at, as a text that is the same where that is the same."""
    return repr([state.content.get(field) for field in kind.processed])


def _found(kind: ContentType, content: Content, workshop: Workshop) -> dict[str, Any]:
    fields = derived_fields(kind.schema())
    try:
        found = dict(kind.process(content, workshop))
    except CannotProcess as error:
        found = {"problem": error.problem} if "problem" in fields else {}
    if strange := found.keys() - fields:
        raise Undeliverable(f"content type {kind.name}: {sorted(strange)[0]} is no dump_only field of its schema")
    return found


def _record(
    db: Session,
    core: Core,
    course_id: uuid.UUID,
    states: Sequence[State],
    found: Mapping[str, Any],
    workshop: Workshop,
) -> None:
    """Put beside the content what was found in it. The course is locked."""
    if not found:
        return
    leave_times(db)
    made = [attachment(file, "derived") for file in workshop.kept]
    for state in states:
        state.derived = dict(found)
        state.attachments = ordered([*state.attachments, *made])
        settle_minutes(core, state)
    db.flush()
    follow(db, [state.id for state in states if isinstance(state, LessonRevision)])
    service.roll_up_durations(db, course_id)


def look_again(core: Core) -> int:
    """Have every lesson looked into anew about which nothing could be told; answers how many there are.

    For when the reason is gone: FFmpeg was installed, say, or larger files are allowed.
    """
    with core.transaction() as db:
        leave_times(db)
        in_draft, in_version = (kind.derived.has_key("problem") for kind in (Lesson, LessonRevision))
        _lock_courses(db, or_(in_draft, Lesson.id.in_(select(LessonRevision.lesson_id).where(in_version))))
        forgotten: dict[str, Any] = {"derived": {}}
        drafts = update(Lesson).where(in_draft).values(forgotten).returning(Lesson.id)
        frozen = (
            update(LessonRevision)
            .where(in_version)
            .values(forgotten)
            .returning(LessonRevision.id, LessonRevision.lesson_id)
        )
        lessons = set(db.scalars(drafts))
        revisions = db.execute(frozen).all()
        follow(db, [row.id for row in revisions])
        lessons |= {row.lesson_id for row in revisions}
        announce(db, sorted(lessons), None)
    return len(lessons)


def _lock_courses(db: Session, lessons: ColumnElement[bool]) -> None:
    """Lock the courses of these lessons, one after another, before anything of them."""
    theirs = select(Module.course_id).join(Lesson, Lesson.module_id == Module.id).where(lessons)
    db.execute(select(Course.id).where(Course.id.in_(theirs)).order_by(Course.id).with_for_update(key_share=True))
