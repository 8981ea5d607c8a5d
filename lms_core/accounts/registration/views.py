"""``POST /auth/register``, ``verify-email`` and ``resend-verification``."""

from typing import Any

from pyramid.security import NO_PERMISSION_REQUIRED
from pyramid.view import view_config

from lms_core.accounts.registration import service
from lms_core.accounts.registration.schemas import (
    AddressSchema,
    MessageSchema,
    RegisteredSchema,
    RegisterSchema,
    VerifiedSchema,
    VerifySchema,
)
from lms_core.accounts.resources import AuthResource
from lms_core.kernel.i18n import _
from lms_core.kernel.ratelimit import throttle_account
from lms_core.kernel.request import Request
from lms_core.kernel.views import created


@view_config(
    context=AuthResource, name="register", request_method="POST", permission=NO_PERMISSION_REQUIRED,
    body=RegisterSchema, returns=RegisteredSchema, status=201, throttle=("auth",), tags=("auth",), idempotent=False,
    errors=("409 email_taken", "422 weak_password", "422 email_domain_not_allowed", "503 busy"),
)  # fmt: skip
def register(context: AuthResource, request: Request) -> dict[str, Any]:
    """Make an account and mail its verification link. It does not sign in."""
    throttle_account(request, "register", request.validated["email"])
    language = request.localizer.locale_name
    user = service.register(request.db, request.core, request.validated, language, request)
    created(request, "users", "me")
    message = _("Follow the link that we sent to ${email} to finish.", mapping={"email": user.email})
    return {name: getattr(user, name) for name in ("id", "email", "email_verified", "first_name", "last_name")} | {
        "message": request.localizer.translate(message)
    }


@view_config(
    context=AuthResource, name="verify-email", request_method="POST", permission=NO_PERMISSION_REQUIRED,
    body=VerifySchema, returns=VerifiedSchema, throttle=("auth",), tags=("auth",),
    errors=("422 token_invalid", "409 email_taken"),
)  # fmt: skip
def verify_email(context: AuthResource, request: Request) -> Any:
    """Verify an e-mail address with the token of the link sent to it."""
    return service.verify_email(request.db, request.core, request.validated["token"], request)


@view_config(
    context=AuthResource, name="resend-verification", request_method="POST", permission=NO_PERMISSION_REQUIRED,
    body=AddressSchema, returns=MessageSchema, status=202, throttle=("auth",), tags=("auth",),
)  # fmt: skip
def resend_verification(context: AuthResource, request: Request) -> dict[str, str]:
    """Mail another verification link, if the account exists and has one due; the answer never tells."""
    throttle_account(request, "verification", request.validated["email"])
    service.request_verification(request.db, request.validated["email"])
    message = _("If this address has an account to verify, a link is on its way.")
    return {"message": request.localizer.translate(message)}
