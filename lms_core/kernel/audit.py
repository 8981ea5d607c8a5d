"""The audit trail: who changed what, written in the transaction that changed it."""

import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert
from sqlalchemy.orm import Session

from lms_core.kernel.headers import client_address
from lms_core.kernel.models import AuditLog
from lms_core.kernel.redaction import redact
from lms_core.kernel.security import caller_id

if TYPE_CHECKING:
    from lms_core.kernel.request import Request

_AGENT_LIMIT = 512


def audit(
    db: Session,
    request: "Request | None",
    action: str,
    resource_type: str,
    resource_id: uuid.UUID | None,
    old: Mapping[str, Any] | None = None,
    new: Mapping[str, Any] | None = None,
) -> None:
    """Write one row of ``audit_logs``; ``request`` is None where no person asked (tasks, commands).

    ``old`` and ``new`` are the values that changed; secrets in them are kept as ``[redacted]``.
    """
    agent = request.environ.get("HTTP_USER_AGENT", "") if request is not None else ""
    db.execute(
        insert(AuditLog),
        {
            "user_id": caller_id(request) if request is not None else None,
            "action": action,
            "resource_type": resource_type,
            "resource_id": resource_id,
            "old_values": redact(old) if old is not None else None,
            "new_values": redact(new) if new is not None else None,
            "ip_address": client_address(request) if request is not None else None,
            "user_agent": agent[:_AGENT_LIMIT] or None,
        },
    )
