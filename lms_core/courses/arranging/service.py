"""Commands on the order of things. Each locks the course, so that two editors at once lose and double nothing."""

import uuid
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Uuid, bindparam, func, select, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from lms_core.courses.models import Lesson, Module
from lms_core.courses.service import lock_course, lock_lesson, lock_module, roll_up_durations
from lms_core.courses.unlocking import forget
from lms_core.kernel.core import Core
from lms_core.kernel.errors import Conflict, Invalid
from lms_core.kernel.i18n import _


def order_modules(db: Session, course_id: uuid.UUID, ids: Sequence[uuid.UUID]) -> None:
    """Give the modules of a course this order. Raises 409 ``order_stale``, ``course_archived``."""
    lock_course(db, course_id)
    _order(db, Module, Module.course_id == course_id, ids)


def order_lessons(db: Session, module_id: uuid.UUID, ids: Sequence[uuid.UUID]) -> None:
    """Give the lessons of a module this order. Raises as :func:`order_modules` does."""
    module = lock_module(db, module_id)
    _order(db, Lesson, Lesson.module_id == module.id, ids)


def move_lesson(db: Session, lesson_id: uuid.UUID, module_id: uuid.UUID, position: int | None) -> Lesson:
    """Move a lesson to a place in a module of its course; what stands there and behind makes room.

    Raises 422 ``module_unknown``, 409 ``course_archived``.
    """
    lesson, module = lock_lesson(db, lesson_id)
    target = db.get(Module, module_id, populate_existing=True)
    if target is None or target.course_id != module.course_id or target.deleted_at is not None:
        message = _("The course has no such module.")
        raise Invalid("module_unknown", message, errors={"moduleId": [message]})
    siblings = [each for each in _living(db, Lesson, Lesson.module_id == target.id) if each != lesson.id]
    place = len(siblings) if position is None else min(position, len(siblings))
    lesson.module_id = target.id
    db.flush()
    _place(db, Lesson, [*siblings[:place], lesson.id, *siblings[place:]])
    roll_up_durations(db, module.course_id)
    db.refresh(lesson)
    return lesson


def delete_module(db: Session, core: Core, module_id: uuid.UUID) -> None:
    """Take a module and its lessons out of the draft; students keep them until the next publication.

    Raises 409 ``course_archived``.
    """
    module = lock_module(db, module_id)
    gone = {"deleted_at": core.clock(), "order_index": None}
    db.execute(
        update(Lesson).where(Lesson.module_id == module.id, Lesson.deleted_at.is_(None)).values(gone),
        execution_options={"synchronize_session": False},
    )
    module.deleted_at, module.order_index = core.clock(), None
    db.flush()
    forget(db, module)
    roll_up_durations(db, module.course_id)


def delete_lesson(db: Session, core: Core, lesson_id: uuid.UUID) -> None:
    """Take a lesson out of the draft; students keep it until the next publication. Raises 409 ``course_archived``."""
    lesson, module = lock_lesson(db, lesson_id)
    lesson.deleted_at, lesson.order_index = core.clock(), None
    db.flush()
    roll_up_durations(db, module.course_id)


def _order(db: Session, model: type[Module] | type[Lesson], siblings: Any, ids: Sequence[uuid.UUID]) -> None:
    current = _living(db, model, siblings)
    if sorted(current) != sorted(ids):
        message = _("The list is not the one that is there now; read it again.")
        raise Conflict("order_stale", message, extra={"ids": [str(each) for each in current]})
    _place(db, model, ids)


def _living(db: Session, model: type[Module] | type[Lesson], siblings: Any) -> list[uuid.UUID]:
    return list(db.scalars(select(model.id).where(siblings, model.deleted_at.is_(None)).order_by(model.order_index)))


def _place(db: Session, model: type[Module] | type[Lesson], ids: Sequence[uuid.UUID]) -> None:
    """Number the rows in this order, and write only those whose number changes."""
    wanted = bindparam("ids", list(ids), type_=ARRAY(Uuid))
    place = func.array_position(wanted, model.id) - 1
    db.execute(
        update(model)
        .where(model.id == func.any(wanted), model.order_index.is_distinct_from(place))
        .values(order_index=place),
        execution_options={"synchronize_session": False},
    )
