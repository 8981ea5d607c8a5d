"""``GET`` and ``PUT /users/me``."""

from typing import Any

from pyramid.view import view_config

from lms_core.accounts import queries
from lms_core.accounts.profile import service
from lms_core.accounts.profile.schemas import MeSchema, ProfileEditSchema
from lms_core.accounts.resources import MeResource
from lms_core.kernel.request import Request


@view_config(
    context=MeResource, request_method="GET", permission="users:read", returns=MeSchema, tags=("users",),
    while_password_due=True,
)  # fmt: skip
def read_me(context: MeResource, request: Request) -> Any:
    """The caller's own account, with groups and permissions."""
    return context.row


@view_config(
    context=MeResource, request_method="PUT", permission="users:update", body=ProfileEditSchema,
    returns=MeSchema, tags=("users",),
    errors=(
        "409 email_taken", "422 password_required", "401 invalid_credentials", "403 account_locked",
        "422 email_domain_not_allowed", "503 busy",
    ),
)  # fmt: skip
def edit_me(context: MeResource, request: Request) -> Any:
    """Edit the caller's own account; what is left out stays as it is.

    A new e-mail address needs `currentPassword`. It is `pendingEmail` until the link sent to it is followed.
    """
    account = queries.own_account(request.db, request.caller)
    seen = context.row.updated_at if request.if_match else None
    service.edit_profile(request.db, request.core, account, request.validated, request, seen=seen)
    return queries.profile(request.db, account.id, request.core.clock(), request.registry.profile_columns)
