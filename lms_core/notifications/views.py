"""The inbox over HTTP."""

from typing import Any

from pyramid.view import view_config

from lms_core.kernel.pagination import CursorPage
from lms_core.kernel.request import Request
from lms_core.notifications import queries, schemas, service
from lms_core.notifications.resources import NotificationCollection, NotificationItem


@view_config(
    context=NotificationCollection, request_method="GET", permission="notifications:read",
    query=schemas.InboxQuery, returns=schemas.NotificationSchema, many="cursor",
)  # fmt: skip
def list_notifications(context: NotificationCollection, request: Request) -> CursorPage:
    """List my notifications.

    Newest first; `unread` filters.
    """
    return queries.inbox(request.reader, request.caller.user_id, **request.query)


@view_config(
    context=NotificationItem, request_method="GET", permission="notifications:read",
    returns=schemas.NotificationSchema,
)  # fmt: skip
def read_notification(context: NotificationItem, request: Request) -> Any:
    """Read one of my notifications; reading it here does not mark it."""
    return context.row


@view_config(
    context=NotificationItem, name="read", request_method="POST", permission="notifications:update",
    returns=schemas.NotificationSchema,
)  # fmt: skip
def mark_read(context: NotificationItem, request: Request) -> Any:
    """Mark a notification as read.

    Doing it again changes nothing.
    """
    return service.mark_read(request.db, request.caller.user_id, context.id)


@view_config(
    context=NotificationCollection, name="read-all", request_method="POST", permission="notifications:update",
    returns=schemas.MarkedSchema,
)  # fmt: skip
def mark_all_read(context: NotificationCollection, request: Request) -> Any:
    """Mark all my notifications as read."""
    return {"marked": service.mark_all_read(request.db, request.caller.user_id)}
