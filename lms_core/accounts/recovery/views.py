"""``POST /auth/forgot-password``, ``reset-password`` and ``change-password``."""

from pyramid.security import NO_PERMISSION_REQUIRED
from pyramid.view import view_config

from lms_core.accounts.queries import own_account
from lms_core.accounts.recovery import service
from lms_core.accounts.recovery.schemas import ChangeSchema, ResetSchema
from lms_core.accounts.registration.schemas import AddressSchema, MessageSchema
from lms_core.accounts.resources import AuthResource
from lms_core.accounts.signin.cookies import clear_cookies
from lms_core.kernel.headers import client_address
from lms_core.kernel.i18n import _
from lms_core.kernel.ratelimit import throttle_account
from lms_core.kernel.request import Request


@view_config(
    context=AuthResource, name="forgot-password", request_method="POST", permission=NO_PERMISSION_REQUIRED,
    body=AddressSchema, returns=MessageSchema, status=202, throttle=("auth",), tags=("auth",), idempotent=False,
)  # fmt: skip
def forgot_password(context: AuthResource, request: Request) -> dict[str, str]:
    """Mail a link to set a new password, if the account exists; the answer never tells."""
    email = request.validated["email"]
    throttle_account(request, "reset", email)
    service.request_reset(request.db, email, client_address(request))
    message = _("If this address has an account, a link to set a new password is on its way.")
    return {"message": request.localizer.translate(message)}


@view_config(
    context=AuthResource, name="reset-password", request_method="POST", permission=NO_PERMISSION_REQUIRED,
    body=ResetSchema, returns=MessageSchema, throttle=("auth",), tags=("auth",), idempotent=False,
    errors=("422 token_invalid", "422 weak_password", "503 busy"),
)  # fmt: skip
def reset_password(context: AuthResource, request: Request) -> dict[str, str]:
    """Set a new password with the token of a reset link; every session of the account ends."""
    service.reset_password(request.db, request.core, **request.validated, request=request)
    clear_cookies(request)
    return {"message": request.localizer.translate(_("The password is set; sign in with it."))}


@view_config(
    context=AuthResource, name="change-password", request_method="POST", permission="users:update", status=204,
    body=ChangeSchema, throttle=("auth",), tags=("auth",), idempotent=False, while_password_due=True,
    errors=("401 invalid_credentials", "403 account_locked", "422 weak_password", "503 busy"),
)  # fmt: skip
def change_password(context: AuthResource, request: Request) -> None:
    """Change the caller's password; every other session of theirs ends."""
    current, new = request.validated["current_password"], request.validated["new_password"]
    account = own_account(request.db, request.caller)
    session_id = request.caller.session_id
    service.change_password(request.db, request.core, account, session_id, current, new, request)
