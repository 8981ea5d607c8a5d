"""Copying a course: the draft with all its modules and lessons, in as many statements whatever its size."""

import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Uuid, bindparam, cast, column, func, literal, select
from sqlalchemy.dialects.postgresql import ARRAY, array
from sqlalchemy.orm import Session

from lms_core.courses.content.service import announce
from lms_core.courses.freezing import IN_DRAFT, LESSON_FACTS, MODULE_FACTS, columns, filled
from lms_core.courses.models import Course, Lesson, Module
from lms_core.courses.service import create_course, lock_course, numbered, roll_up_durations
from lms_core.kernel.core import Core
from lms_core.kernel.i18n import _

COPIED = (
    "description", "syllabus", "category", "sub_category", "level", "language", "intro_video_url", "price", "currency",
    "max_students", "tags", "learning_outcomes", "requirements", "target_audience",
    "completion_certificate", "certificate_months", "allow_discussion", "allow_download", "settings", "waiting_list",
)  # fmt: skip
"""What a copy takes over: not who teaches, attends or rated, and not what was published."""
_AS_THEY_ARE = ("enrollment_type", "prerequisites")
"""Even where an author could no longer choose them."""
_CODE_LENGTH, _TITLE_LENGTH = 50, 255


def duplicate(db: Session, core: Core, course_id: uuid.UUID, owner_id: uuid.UUID, values: Mapping[str, Any]) -> Course:
    """A draft of the owner's with the same content; ``values`` may name its title and its code.

    Without them the title says that it is a copy, and the code is the first free one (``BIO-101-2``). Lessons keep
    their files, and the course its picture, unless that was drawn. Raises 404 and what :func:`create_course` raises.
    """
    source = lock_course(db, course_id, archived=True)
    copied = _("${title} (copy)", mapping={"title": source.title})
    title = values.get("title") or core.i18n.localizer(source.language).translate(copied)[:_TITLE_LENGTH]
    taken = {name: getattr(source, name) for name in COPIED}
    taken |= {"title": title, "code": values.get("code") or _free_code(db, source.code)}
    course = create_course(db, core, owner_id, taken, with_introduction=False)
    _copy_picture(source, course)
    for name in _AS_THEY_ARE:
        setattr(course, name, getattr(source, name))
    db.flush()
    announce(db, _copy_modules(db, source.id, course.id), owner_id)
    roll_up_durations(db, course.id)
    db.refresh(course)
    return course


def _copy_picture(source: Course, course: Course) -> None:
    if source.thumbnail_chosen or source.thumbnail_file_id is None:
        for name in ("thumbnail_url", "thumbnail_file_id", "thumbnail_chosen"):
            setattr(course, name, getattr(source, name))


def _free_code(db: Session, code: str) -> str:
    base = code[: _CODE_LENGTH - 6]
    key = func.lower(Course.code)
    used = select(key).where(key.startswith(f"{base.lower()}-", autoescape=True), Course.deleted_at.is_(None))
    taken = {*db.scalars(used), base.lower()}
    return numbered(base, lambda name: name.lower() in taken)


def _copy_modules(db: Session, source_id: uuid.UUID, course_id: uuid.UUID) -> Iterable[uuid.UUID]:
    """Answers the new lessons."""
    kept = Module.deleted_at.is_(None)
    modules = db.scalars(select(Module.id).where(Module.course_id == source_id, kept)).all()
    lessons = db.scalars(
        select(Lesson.id).join(Module, Module.id == Lesson.module_id).where(Module.course_id == source_id, IN_DRAFT)
    ).all()
    new_modules = {each: uuid.uuid4() for each in modules}
    of_module, earlier = _pairs("module_pairs", new_modules), _pairs("earlier", new_modules)
    new_lessons = {each: uuid.uuid4() for each in lessons}
    of_lesson = _pairs("lesson_pairs", new_lessons)
    before = (
        select(func.coalesce(func.array_agg(earlier.c.new), cast(array([]), ARRAY(Uuid))))
        .where(earlier.c.old == func.any(Module.prerequisites))
        .correlate(Module)
        .scalar_subquery()
    )
    own = [name for name in MODULE_FACTS if name != "prerequisites"]
    copies = select(
        of_module.c.new, literal(course_id), Module.order_index, Module.is_published, before, *columns(Module, own)
    ).join_from(of_module, Module, Module.id == of_module.c.old)
    db.execute(filled(Module, ["id", "course_id", "order_index", "is_published", "prerequisites", *own], copies))
    copies = (
        select(
            of_lesson.c.new, of_module.c.new, Lesson.order_index, Lesson.is_published, *columns(Lesson, LESSON_FACTS)
        )
        .join_from(of_lesson, Lesson, Lesson.id == of_lesson.c.old)
        .join(of_module, of_module.c.old == Lesson.module_id)
    )
    db.execute(filled(Lesson, ["id", "module_id", "order_index", "is_published", *LESSON_FACTS], copies))
    return new_lessons.values()


def _pairs(name: str, ids: Mapping[uuid.UUID, uuid.UUID]) -> Any:
    """The mapping as a table of old ids and new ones."""
    arrays = [bindparam(None, list(side), type_=ARRAY(Uuid)) for side in (ids.keys(), ids.values())]
    return func.unnest(*arrays).table_valued(column("old", Uuid), column("new", Uuid)).render_derived(name=name)
