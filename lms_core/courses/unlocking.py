"""What keeps authors from locking a module for good: what it demands has to be complete, and possible.

Whether a module is open to a student is said where progress is known (:mod:`lms_core.learning.unlocking`).
"""

import uuid
from collections.abc import Sequence
from typing import Any, Protocol

from sqlalchemy import Uuid, bindparam, func, select, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from lms_core.courses.models import Module
from lms_core.kernel.errors import Invalid
from lms_core.kernel.i18n import _

RULES = frozenset({"unlock_type", "unlock_date", "unlock_after_days", "unlock_min_score", "prerequisites"})
"""The fields of a module that say when it opens."""


class Waits(Protocol):
    """A module, as far as it waits for others."""

    @property
    def id(self) -> uuid.UUID: ...
    @property
    def unlock_type(self) -> str: ...
    @property
    def prerequisites(self) -> Sequence[uuid.UUID]: ...


def awaited(modules: Sequence[Waits]) -> dict[uuid.UUID, tuple[uuid.UUID, ...]]:
    """The modules that each of a course's, in order, waits for: its prerequisites that are there, and its predecessor.

    A prerequisite that is not among them any more holds nobody up.
    """
    there = {module.id for module in modules}
    found = {}
    for place, module in enumerate(modules):
        before = [each for each in module.prerequisites if each in there]
        if module.unlock_type == "sequential" and place:
            before.append(modules[place - 1].id)
        found[module.id] = tuple(dict.fromkeys(before))
    return found


def never_open(modules: Sequence[Waits]) -> set[uuid.UUID]:
    """The modules that wait for themselves, directly or through others, and those that wait for such."""
    waiting = awaited(modules)
    while ready := [each for each, before in waiting.items() if not any(other in waiting for other in before)]:
        for each in ready:
            del waiting[each]
    return set(waiting)


def check_rules(db: Session, module: Module) -> None:
    """What the module demands now can be met. The course is locked.

    Raises 422 ``unlock_incomplete`` where something is missing to it, ``prerequisite_unknown`` and
    ``prerequisite_cycle``.
    """
    db.flush()
    siblings = living(db, module.course_id)
    if set(module.prerequisites) - {each.id for each in siblings}:
        message = _("The course has no such module.")
        raise Invalid("prerequisite_unknown", message, errors={"prerequisites": [message]})
    if missing := _missing(module):
        raise Invalid("unlock_incomplete", _("Something is missing to what the module demands."), errors=missing)
    if module.id in never_open(siblings):
        message = _("The module would wait for itself, and never open.")
        raise Invalid("prerequisite_cycle", message, errors={"prerequisites": [message]})


def _missing(module: Module) -> dict[str, list[str]]:
    """What else has to be said of a module, by field."""
    missing = {}
    if module.unlock_type == "scheduled" and module.unlock_date is None:
        missing["unlockDate"] = [_("Say when the module opens.")]
    if module.unlock_type == "relative" and module.unlock_after_days is None:
        missing["unlockAfterDays"] = [_("Say after how many days the module opens.")]
    if module.unlock_min_score is not None and module.unlock_type != "sequential" and not module.prerequisites:
        missing["unlockMinScore"] = [_("Say in which modules: name prerequisites.")]
    return missing


def living(db: Session, course_id: uuid.UUID, *, published: bool = False) -> Sequence[Any]:
    """The draft's modules in order, as far as they wait for others; perhaps only those that the next version has."""
    wanted = select(Module.id, Module.title, Module.unlock_type, Module.prerequisites).where(
        Module.course_id == course_id, Module.deleted_at.is_(None)
    )
    chosen = wanted.where(Module.is_published) if published else wanted
    return db.execute(chosen.order_by(Module.order_index)).all()


def forget(db: Session, module: Module) -> None:
    """Let no other module of the draft wait for one that is gone."""
    gone = bindparam("gone", [module.id], type_=ARRAY(Uuid))
    db.execute(
        update(Module)
        .where(Module.course_id == module.course_id, Module.prerequisites.op("&&")(gone))
        .values(prerequisites=func.array_remove(Module.prerequisites, module.id)),
        execution_options={"synchronize_session": False},
    )
