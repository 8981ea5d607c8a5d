"""What somebody is answered who comes to a lesson too early."""

from typing import Any

from lms_core.kernel.errors import LMSError
from lms_core.kernel.request import Request
from lms_core.learning.unlocking import queries
from lms_core.learning.unlocking.rules import decide
from lms_core.learning.unlocking.service import locked


def refusal(request: Request, row: Any) -> LMSError:
    """403 ``module_locked``, with the reasons; ``row`` is that of a lesson item."""
    rules = queries.rules_of(request.reader, row.course_version_id)
    standing = queries.standing_of(request.reader, row.course_version_id, request.caller.user_id)
    for decision in decide(rules, standing, request.core.clock()):
        if decision.module_id == row.version_module_id:
            return locked(decision.module_id, decision.reasons)
    return locked(row.version_module_id)
