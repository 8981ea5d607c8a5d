"""One's own calendar over HTTP."""

from typing import Any

from pyramid.response import Response
from pyramid.view import view_config

from lms_core.accounts.calendar import queries, schemas, service
from lms_core.accounts.calendar.resources import MyCalendar, MyCalendarLink
from lms_core.accounts.calendar.writing import tag, worded, write
from lms_core.kernel.audit import audit
from lms_core.kernel.errors import NotFound
from lms_core.kernel.ratelimit import throttle_account
from lms_core.kernel.request import Request
from lms_core.kernel.views import public_url

TAGS = ("users",)


@view_config(
    context=MyCalendar, request_method="GET", permission="users:read", query=schemas.CalendarQuery,
    produces="text/calendar", answers={304: "Nothing has changed since the version in `If-None-Match`."},
    errors=("404 calendar_not_found", "429 too_many_requests"), tags=TAGS,
)  # fmt: skip
def read_calendar(context: MyCalendar, request: Request) -> Response:
    """Read one's own calendar as iCalendar (RFC 5545): when modules open, and when courses begin and end.

    It reaches from three months back to a year ahead. Signed in, or without it by the address that
    `POST /users/me/calendar` gives; then no other credentials count.
    """
    caller = request.caller
    throttle_account(request, "calendar", str(caller.user_id))
    wanted = queries.Wanted(caller, request.core.clock())
    found = queries.entries(request.reader, request.registry.calendar_sources, wanted)
    said = worded(request.core, found, caller.locale)
    response = Response(content_type="text/calendar", charset="utf-8", conditional_response=True)
    response.etag = tag(request.core, said)
    if response.etag not in request.if_none_match:
        response.body = write(request.core, said)
    response.cache_control = "private, no-cache"
    response.vary = ("Authorization", "Cookie")
    response.content_disposition = 'inline; filename="calendar.ics"'
    return response


@view_config(
    context=MyCalendarLink, request_method="GET", permission="users:read", returns=schemas.CalendarLinkSchema, tags=TAGS
)
def read_calendar_link(context: MyCalendarLink, request: Request) -> Any:
    """Read whether one's calendar has an address for calendar programs: 404 where it has none."""
    return context.row


@view_config(
    context=MyCalendarLink, request_method="POST", permission="users:update",
    returns=schemas.NewCalendarLinkSchema, idempotent=False, tags=TAGS,
)  # fmt: skip
def make_calendar_link(context: MyCalendarLink, request: Request) -> Any:
    """Make an address of one's calendar for calendar programs, which the answer alone tells.

    The address before it is good for nothing then. It also ends with the next password, and when the account is
    suspended or deleted.
    """
    token = service.make_link(request.db, request.core, context.id)
    audit(request.db, request, "calendar.shared", "user", context.id)
    return {"url": f"{public_url(request, 'users', 'me', 'calendar.ics')}?token={token}"}


@view_config(context=MyCalendarLink, request_method="DELETE", permission="users:update", status=204, tags=TAGS)
def revoke_calendar_link(context: MyCalendarLink, request: Request) -> None:
    """Revoke the address of one's calendar."""
    if not service.revoke_link(request.db, context.id):
        raise NotFound()
    audit(request.db, request, "calendar.revoked", "user", context.id)
