"""``/verify-email`` and ``/reset-password``, as the links in mails name them."""

from typing import Any

from pyramid.response import Response
from pyramid.security import NO_PERMISSION_REQUIRED
from pyramid.view import exception_view_config, view_config

from lms_core.accounts.pages.rendering import messages, page
from lms_core.accounts.recovery import service as recovery
from lms_core.accounts.recovery.schemas import ResetSchema
from lms_core.accounts.registration import service as registration
from lms_core.accounts.registration.schemas import VerifySchema
from lms_core.accounts.signin.cookies import clear_cookies
from lms_core.kernel.bodies import whole_body
from lms_core.kernel.errors import Invalid, LMSError, TooLarge
from lms_core.kernel.i18n import _
from lms_core.kernel.request import Request
from lms_core.kernel.schemas import load

VERIFY, RESET = "verify_email_page", "reset_password_page"
_TEMPLATES = {VERIFY: "verify_email", RESET: "reset_password"}


def _sent(request: Request) -> Any:
    """The fields of the form. Raises 413 ``too_large``."""
    if whole_body(request) is None:
        raise TooLarge()
    return request.POST if request.content_type == "application/x-www-form-urlencoded" else {}


@view_config(route_name=VERIFY, request_method="GET", permission=NO_PERMISSION_REQUIRED)
@view_config(route_name=RESET, request_method="GET", permission=NO_PERMISSION_REQUIRED)
def show_form(context: Any, request: Request) -> Response:
    """The form, with the token of the link in it; whether that is still good, sending it tells."""
    token = load(VerifySchema(), {"token": request.GET.get("token", "")})["token"]
    return page(request, _TEMPLATES[request.matched_route.name], token=token)


@view_config(
    route_name=VERIFY, request_method="POST", permission=NO_PERMISSION_REQUIRED, throttle=("auth",), idempotent=False,
)  # fmt: skip
def verify_email(context: Any, request: Request) -> Response:
    token = load(VerifySchema(), {"token": _sent(request).get("token", "")})["token"]
    user = registration.verify_email(request.db, request.core, token, request)
    return page(request, "verified", email=user.email)


@view_config(
    route_name=RESET, request_method="POST", permission=NO_PERMISSION_REQUIRED, throttle=("auth",), idempotent=False,
)  # fmt: skip
def reset_password(context: Any, request: Request) -> Response:
    form = _sent(request)
    given = load(ResetSchema(), {name: form.get(name, "") for name in ("token", "password")})
    if form.get("again") != form.get("password"):
        raise Invalid("invalid", errors={"again": [_("The two passwords differ.")]})
    recovery.reset_password(request.db, request.core, **given, request=request)
    clear_cookies(request)
    return request.response.merge_cookies(page(request, "password_set"))


@exception_view_config(LMSError, route_name=VERIFY)
@exception_view_config(LMSError, route_name=RESET)
def show_refusal(error: LMSError, request: Request) -> Response:
    """What was wrong: above the form where it can be sent again, by itself where the link is of no use."""
    name = request.matched_route.name
    if error.status == 413 or "token" in (error.errors or {}):
        used = messages(request, error) if error.code == "token_invalid" else []
        response = page(request, "refused", status=error.status, errors=used)
    else:
        token = request.POST.get("token", "")
        response = page(request, _TEMPLATES[name], status=error.status, errors=messages(request, error), token=token)
    if error.retry_after is not None:
        response.headers["Retry-After"] = str(max(1, int(error.retry_after + 0.999)))
    return response
