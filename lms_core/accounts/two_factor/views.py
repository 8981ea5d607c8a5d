"""``POST /auth/two-factor/enroll``, ``confirm``, ``disable`` and ``backup-codes``."""

from typing import Any

from pyramid.view import view_config

from lms_core.accounts.queries import own_account
from lms_core.accounts.resources import TwoFactorResource
from lms_core.accounts.two_factor import service
from lms_core.accounts.two_factor.schemas import (
    BackupCodesSchema,
    CodeSchema,
    PasswordAndCodeSchema,
    PasswordSchema,
    SecondFactorSchema,
)
from lms_core.kernel.request import Request

REFUSALS = ("401 invalid_credentials", "403 account_locked", "503 busy")


@view_config(
    context=TwoFactorResource, name="enroll", request_method="POST", permission="users:update", idempotent=False,
    body=PasswordSchema, returns=SecondFactorSchema, throttle=("auth",), tags=("auth",),
    errors=("409 two_factor_enabled", *REFUSALS),
)  # fmt: skip
def enroll_second_factor(context: TwoFactorResource, request: Request) -> service.Enrollment:
    """Get a secret for an authenticator app; `confirm` switches the second factor on."""
    account = own_account(request.db, request.caller)
    return service.enroll(request.db, request.core, account, request.validated["password"], request)


@view_config(
    context=TwoFactorResource, name="confirm", request_method="POST", permission="users:update", idempotent=False,
    body=CodeSchema, returns=BackupCodesSchema, throttle=("auth",), tags=("auth",),
    errors=("401 invalid_code", "409 two_factor_enabled", "409 two_factor_not_enrolled", "403 account_locked"),
)  # fmt: skip
def confirm_second_factor(context: TwoFactorResource, request: Request) -> dict[str, Any]:
    """Switch the second factor on with a first code of the app; the answer holds the backup codes."""
    account = own_account(request.db, request.caller)
    codes = service.confirm(request.db, request.core, account, request.validated["code"], request)
    return {"backup_codes": codes}


@view_config(
    context=TwoFactorResource, name="disable", request_method="POST", permission="users:update", idempotent=False,
    body=PasswordAndCodeSchema, status=204, throttle=("auth",), tags=("auth",),
    errors=("401 invalid_code", "409 two_factor_not_enabled", *REFUSALS),
)  # fmt: skip
def disable_second_factor(context: TwoFactorResource, request: Request) -> None:
    """Switch the second factor off."""
    account = own_account(request.db, request.caller)
    service.disable(request.db, request.core, account, **request.validated, request=request)


@view_config(
    context=TwoFactorResource, name="backup-codes", request_method="POST", permission="users:update",
    body=PasswordAndCodeSchema, returns=BackupCodesSchema, throttle=("auth",), tags=("auth",), idempotent=False,
    errors=("401 invalid_code", "409 two_factor_not_enabled", *REFUSALS),
)  # fmt: skip
def renew_backup_codes(context: TwoFactorResource, request: Request) -> dict[str, Any]:
    """Get ten new backup codes; all earlier ones stop working."""
    account = own_account(request.db, request.caller)
    codes = service.renew_backup_codes(request.db, request.core, account, **request.validated, request=request)
    return {"backup_codes": codes}
