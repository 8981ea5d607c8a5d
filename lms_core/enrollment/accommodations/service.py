"""Commands on what is granted to single students. Each runs in the caller's transaction; raising rolls it back."""

import datetime as dt
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import delete, exists, func, insert, or_, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from lms_core.courses.models import Course, Module, VersionModule
from lms_core.enrollment.lifecycle.service import go_on, locked
from lms_core.enrollment.models import Accommodation, AccommodationDate, Enrollment
from lms_core.kernel.core import Core
from lms_core.kernel.errors import Invalid
from lms_core.kernel.i18n import _

_DATED = ("scheduled", "relative")
"""How modules open that have a date, in the draft or for the students."""
OWN = ("extra_time_factor", "extra_attempts", "waives_sequence", "reason")


def grant(
    db: Session, core: Core, enrollment_id: uuid.UUID, values: Mapping[str, Any], actor_id: uuid.UUID
) -> Mapping[str, Any]:
    """Grant this and nothing else; answers what was granted before. An enrollment that was over goes on.

    Raises 404; 409 ``course_full`` (the place was given away); 422 ``enrollment_without_end`` (there is nothing to
    extend), ``module_unknown``, ``module_without_date``.
    """
    enrollment = locked(db, enrollment_id)
    before = _granted(db, enrollment)
    if values["extended_until"] is not None and enrollment.expires_at is None:
        message = _("The enrollment has no end that could be extended.")
        raise Invalid("enrollment_without_end", message, errors={"extendedUntil": [message]})
    _check_modules(db, enrollment.course_id, values["modules"])
    own = {name: values[name] for name in OWN} | {"granted_by": actor_id}
    granted = upsert(Accommodation).values(enrollment_id=enrollment_id, **own)
    granted_id = db.scalar(
        granted.on_conflict_do_update(index_elements=["enrollment_id"], set_=own).returning(Accommodation.id)
    )
    db.execute(delete(AccommodationDate).where(AccommodationDate.accommodation_id == granted_id))
    if values["modules"]:
        db.execute(insert(AccommodationDate), [{"accommodation_id": granted_id, **each} for each in values["modules"]])
    _extend(db, enrollment, values["extended_until"])
    go_on(db, core, enrollment, actor_id)
    return before


def withdraw(db: Session, enrollment_id: uuid.UUID) -> Mapping[str, Any]:
    """Grant nothing any more; answers what was granted before. What the student has begun stays open. Raises 404."""
    enrollment = locked(db, enrollment_id)
    before = _granted(db, enrollment)
    db.execute(delete(Accommodation).where(Accommodation.enrollment_id == enrollment_id))
    _extend(db, enrollment, None)
    return before


def told(values: Mapping[str, Any], before: Mapping[str, Any]) -> dict[str, Any]:
    """What a log may keep: the reason is none of it, but that it changed."""
    kept = {name: value for name, value in values.items() if name != "reason"}
    return {**kept, "reason_changed": values.get("reason") != before.get("reason")}


def _extend(db: Session, enrollment: Enrollment, until: dt.datetime | None) -> None:
    """Its dates are others than before, though it may be that only those of its modules are."""
    enrollment.extended_until = until
    enrollment.updated_at = func.clock_timestamp()
    db.flush()


def _granted(db: Session, enrollment: Enrollment) -> dict[str, Any]:
    found = db.execute(
        select(Accommodation.id, *(getattr(Accommodation, name) for name in OWN)).where(
            Accommodation.enrollment_id == enrollment.id
        )
    ).first()
    if found is None:
        return {}
    dates = select(AccommodationDate.module_id, AccommodationDate.unlocks_at).where(
        AccommodationDate.accommodation_id == found.id
    )
    modules = [dict(row._mapping) for row in db.execute(dates)]
    own = {name: getattr(found, name) for name in OWN}
    return {**own, "extended_until": enrollment.extended_until, "modules": modules}


def _check_modules(db: Session, course_id: uuid.UUID, modules: Sequence[Mapping[str, Any]]) -> None:
    named = [each["module_id"] for each in modules]
    dated = exists().where(
        Course.id == Module.course_id, VersionModule.version_id == Course.version_id,
        VersionModule.module_id == Module.id, VersionModule.unlock_type.in_(_DATED),
    )  # fmt: skip
    known = {
        row.id: row
        for row in db.execute(
            select(Module.id, Module.title, or_(Module.unlock_type.in_(_DATED), dated).label("dated")).where(
                Module.course_id == course_id, Module.id.in_(named)
            )
        )
    }
    if len(known) != len(named):
        message = _("Each has to be another module of the course.")
        raise Invalid("module_unknown", message, errors={"modules": [message]})
    dateless = sorted(row.title for row in known.values() if not row.dated)
    if dateless:
        named_so = {"modules": ", ".join(dateless)}
        message = _("These modules open without a date, so none can be granted: ${modules}.", mapping=named_so)
        raise Invalid("module_without_date", message, errors={"modules": [message]})
