"""``/invitation``, as the link in the mail names it: for a person who has nothing but a browser.

Opening it changes nothing: programs that look through mail open every link in it. An institution with a front end of
its own serves the address itself, and calls ``POST /invitations/open`` and ``/invitations/decline``.
"""

from typing import Any

from babel.dates import format_date
from pyramid.response import Response
from pyramid.security import NO_PERMISSION_REQUIRED
from pyramid.view import exception_view_config, view_config
from sqlalchemy import Connection
from sqlalchemy.orm import Session

from lms_core.enrollment.invitations import queries, service
from lms_core.kernel.audit import audit
from lms_core.kernel.bodies import whole_body
from lms_core.kernel.core import Core
from lms_core.kernel.errors import LMSError, TooLarge
from lms_core.kernel.pages import page
from lms_core.kernel.request import Request
from lms_core.kernel.tokens import hash_token

PAGE = "invitation_page"
_LONGEST = 200


def _found(connection: Connection | Session, core: Core, token: str) -> Any:
    row = queries.of_link(connection, core, hash_token(token)) if len(token) <= _LONGEST else None
    if row is None:
        raise service.unknown_link()
    return row


@view_config(route_name=PAGE, request_method="GET", permission=NO_PERMISSION_REQUIRED, throttle=("invitation",))
def show_invitation(context: Any, request: Request) -> Response:
    """What the link invites to, and a form to decline."""
    token = request.GET.get("token", "")
    return _shown(request, _found(request.reader, request.core, token), token)


@view_config(
    route_name=PAGE, request_method="POST", permission=NO_PERMISSION_REQUIRED, throttle=("invitation",),
    idempotent=False,
)  # fmt: skip
def decline(context: Any, request: Request) -> Response:
    if whole_body(request) is None:
        raise TooLarge()
    form: Any = request.POST if request.content_type == "application/x-www-form-urlencoded" else {}
    token = form.get("token", "")
    row = _found(request.db, request.core, token)
    service.decline(request.db, request.core, row.course_id, row.id)
    audit(request.db, request, "invitations.decline", "invitation", row.id)
    return _shown(request, queries.invitation(request.db, row.id), token)


def _shown(request: Request, row: Any, token: str) -> Response:
    until = format_date(row.expires_at, "long", request.localizer.locale_name)
    shown = {"invitation": row, "until": until, "token": token, "site_url": request.core.settings.text("lms.url")}
    return page(request, "enrollment.invitations:page", **shown)


@exception_view_config(LMSError, route_name=PAGE)
def show_refusal(error: LMSError, request: Request) -> Response:
    said = request.localizer.translate(error.detail or error.title)
    response = page(request, "enrollment.invitations:refused", status=error.status, errors=[said])
    if error.retry_after is not None:
        response.headers["Retry-After"] = str(max(1, int(error.retry_after + 0.999)))
    return response
