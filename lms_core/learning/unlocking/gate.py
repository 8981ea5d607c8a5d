"""What somebody is answered who comes to a lesson too early, or whose enrollment does not let them in."""

from collections.abc import Mapping, Sequence
from typing import Any

from lms_core.kernel.errors import Forbidden, LMSError
from lms_core.kernel.i18n import _
from lms_core.kernel.request import Request
from lms_core.learning.unlocking import queries
from lms_core.learning.unlocking.rules import decide
from lms_core.learning.unlocking.service import locked

REFUSALS = (
    "403 module_locked", "403 enrollment_suspended", "403 enrollment_dropped", "403 enrollment_expired",
    "403 not_started_yet",
)  # fmt: skip
"""What views of lessons may answer by :func:`refusal`."""


def refusal(request: Request, row: Any) -> LMSError | None:
    """One of :data:`REFUSALS`, with the ``reasons`` that the outline has; ``row`` is that of a lesson item.

    None for who is not enrolled and never was, and for whom the lesson is open.
    """
    standing = queries.standing_of(request.reader, row.course_version_id, request.caller.user_id)
    if standing is None:
        return None
    rules = queries.rules_of(request.reader, row.course_version_id)
    for decision in decide(rules, standing, request.core.clock()):
        if decision.module_id == row.version_module_id and not decision.is_open:
            return _barred(decision.reasons) if decision.barred else locked(decision.module_id, decision.reasons)
    return locked(row.version_module_id) if row.part_enrolled and not row.part_open else None


def _barred(reasons: Sequence[Mapping[str, Any]]) -> Forbidden:
    """The enrollment itself is in the way, and the reason's code the answer's."""
    extra = {"reasons": list(reasons)}
    refusals = (
        Forbidden("enrollment_suspended", _("Your enrollment in this course is suspended."), extra=extra),
        Forbidden("enrollment_dropped", _("You have left this course."), extra=extra),
        Forbidden("enrollment_expired", _("Your time in this course is over."), extra=extra),
        Forbidden("not_started_yet", _("This course is not open to you yet."), extra=extra),
    )
    return next(each for each in refusals if each.code == reasons[0]["code"])
