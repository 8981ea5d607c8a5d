"""How a course is joined, as far as its author says so: who is let in is the enrollment domain's affair."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from sqlalchemy import cast, func, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session
from sqlalchemy.types import Text

from lms_core.courses.models import METHOD_SETTINGS, Course
from lms_core.kernel.core import Core
from lms_core.kernel.errors import Invalid, invalid_fields
from lms_core.kernel.i18n import _
from lms_core.kernel.schemas import Schema, load_json

DEFAULT_WAY = "open"


class WayToEnroll(Protocol):
    """What the hook ``lms_enrollment_methods`` answers, as an author meets it."""

    name: str
    settings: type[Schema]


def ways_to_enroll(core: Core) -> dict[str, WayToEnroll]:
    """By name, in the order of the plugins' names."""
    return {way.name: way for way in core.plugins.gather("lms_enrollment_methods")}


def enrollment_columns(core: Core, values: Mapping[str, Any], course: Course | None = None) -> dict[str, Any]:
    """What an author sends, with ``enrollment_settings`` where the columns hold them; ``course`` is what they change.

    Raises 422 ``enrollment_type_unknown``, and ``invalid`` with errors below ``enrollmentSettings``.
    """
    columns = dict(values)
    given: Mapping[str, Any] | None = columns.pop("enrollment_settings", None)
    current = course.enrollment_type if course is not None else DEFAULT_WAY
    name = values.get("enrollment_type", current)
    stored: Mapping[str, Any] = course.settings if course is not None else values.get("settings", {})
    by_name = stored.get(METHOD_SETTINGS, {})
    if name == current and given in (None, by_name.get(name, {})):
        return columns
    way = ways_to_enroll(core).get(name)
    if way is None:
        message = _("There is no enrollment method “${name}”.", mapping={"name": name})
        raise Invalid("enrollment_type_unknown", message, errors={"enrollmentType": [message]})
    if given is not None:
        columns["settings"] = {**stored, METHOD_SETTINGS: {**by_name, name: _checked(way, given)}}
    return columns


def _checked(way: WayToEnroll, given: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return load_json(way.settings(), given)
    except Invalid as error:
        raise Invalid(error.code, error.detail, errors={"enrollmentSettings": error.errors}) from None


def joining_columns(db: Session, core: Core, values: Mapping[str, Any], course: Course | None = None) -> dict[str, Any]:
    """:func:`enrollment_columns`, once all that an author says about joining the course makes sense together."""
    check_window(values, course)
    check_prerequisites(db, values, course)
    columns = enrollment_columns(core, values, course)
    if "prerequisites" in values:
        columns["prerequisites"] = list({code.lower(): code for code in values["prerequisites"]}.values())
    return columns


def check_window(values: Mapping[str, Any], course: Course | None = None) -> None:
    """Raises 422 ``invalid`` where enrollment would close before it opens."""

    def chosen(name: str) -> dt.datetime | None:
        found: dt.datetime | None = values.get(name, getattr(course, name, None))
        return found

    opens, closes = chosen("enrollment_opens_at"), chosen("enrollment_closes_at")
    if opens is not None and closes is not None and closes <= opens:
        raise invalid_fields({"enrollmentClosesAt": [_("Must be later than the opening.")]})


def check_prerequisites(db: Session, values: Mapping[str, Any], course: Course | None = None) -> None:
    """Raises 422 ``prerequisite_unknown`` for a code that no course has, ``prerequisites_circular`` for a circle.

    What the course presupposed before may stay, whatever became of it: who enrolls is not asked for what is gone.
    """
    before = course.prerequisites if course is not None else []
    codes: Sequence[str] = values.get("prerequisites", before)
    known = {code.lower() for code in before}
    added = {code.lower(): code for code in codes if code.lower() not in known}
    if not added and (not codes or "code" not in values):
        return
    key = func.lower(Course.code)
    living = set(db.scalars(select(key).where(key.in_(added), Course.deleted_at.is_(None))))
    unknown = [code for name, code in added.items() if name not in living]
    if unknown:
        message = _("There is no course ${codes}.", mapping={"codes": ", ".join(unknown)})
        raise Invalid("prerequisite_unknown", message, errors={"prerequisites": [message]})
    own = values.get("code", course.code if course is not None else None)
    if own is not None and own.lower() in _needed(db, codes):
        message = _("The course would have to be completed before it can be joined.")
        raise Invalid("prerequisites_circular", message, errors={"prerequisites": [message]})


def _needed(db: Session, codes: Sequence[str]) -> set[str]:
    """The codes, and what the courses they name presuppose in their turn, in lower case."""
    named = cast([code.lower() for code in codes], ARRAY(Text))
    needed = select(func.unnest(named).label("code")).cte("needed", recursive=True)
    further = select(func.lower(func.unnest(Course.prerequisites))).join(
        needed, needed.c.code == func.lower(Course.code)
    )
    return set(db.scalars(select(needed.union(further.where(Course.deleted_at.is_(None))).c.code)))
