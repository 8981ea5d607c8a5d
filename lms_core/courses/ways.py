"""The ways into a course, as far as its author chooses among them: what they decide is enrollment's affair."""

from collections.abc import Mapping
from typing import Any, Protocol

from lms_core.courses.models import METHOD_SETTINGS, Course
from lms_core.kernel.core import Core
from lms_core.kernel.errors import Invalid
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
