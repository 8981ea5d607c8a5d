"""``POST /auth/login``, ``two-factor/verify``, ``refresh``, ``logout``; ``/auth/sessions``."""

from typing import Any

from pyramid.security import NO_PERMISSION_REQUIRED
from pyramid.view import view_config

from lms_core.accounts import queries
from lms_core.accounts.resources import AuthResource, SessionCollection, SessionResource, TwoFactorResource
from lms_core.accounts.signin import service, sessions
from lms_core.accounts.signin.cookies import clear_cookies, refresh_cookie, session_to_end, set_cookies
from lms_core.accounts.signin.schemas import (
    ChallengeSchema,
    LoginSchema,
    RefreshSchema,
    SessionSchema,
    SignedInSchema,
    TokensSchema,
)
from lms_core.kernel.pagination import Page, PageQuery, page_of
from lms_core.kernel.ratelimit import throttle_account
from lms_core.kernel.request import Request

REFUSALS = ("403 account_locked", "403 account_suspended", "403 email_not_verified")


def _signed_in(request: Request, signed_in: service.SignedIn) -> dict[str, Any]:
    set_cookies(request, signed_in.grant)
    return {
        **_tokens(signed_in.grant),
        "user": signed_in.user,
        "permissions": signed_in.user.permissions,
    }


def _tokens(grant: sessions.Grant) -> dict[str, Any]:
    names = ("access_token", "refresh_token", "expires_in", "csrf_token")
    return {name: getattr(grant, name) for name in names}


@view_config(
    context=AuthResource, name="login", request_method="POST", permission=NO_PERMISSION_REQUIRED, idempotent=False,
    body=LoginSchema, returns=SignedInSchema, throttle=("auth",), tags=("auth",),
    errors=("401 invalid_credentials", "401 two_factor_required", "503 busy", *REFUSALS),
)  # fmt: skip
def login(context: AuthResource, request: Request) -> dict[str, Any]:
    """Sign in with e-mail address and password.

    An account with a second factor is answered 401 `two_factor_required` with a `challenge` for
    `two-factor/verify`. Browsers get the tokens as cookies, too.
    """
    email, password = request.validated["email"], request.validated["password"]
    throttle_account(request, "login", email)
    return _signed_in(request, service.login(request.db, request.core, email, password, request))


@view_config(
    context=TwoFactorResource, name="verify", request_method="POST", permission=NO_PERMISSION_REQUIRED,
    body=ChallengeSchema, returns=SignedInSchema, throttle=("auth",), tags=("auth",), idempotent=False,
    errors=("401 invalid_code", "401 token_invalid", "401 token_expired", *REFUSALS),
)  # fmt: skip
def verify_second_factor(context: TwoFactorResource, request: Request) -> dict[str, Any]:
    """Finish signing in with a code of the authenticator app, or a backup code."""
    challenge, code = request.validated["challenge"], request.validated["code"]
    return _signed_in(request, service.answer_challenge(request.db, request.core, challenge, code, request))


@view_config(
    context=AuthResource, name="refresh", request_method="POST", permission=NO_PERMISSION_REQUIRED, idempotent=False,
    body=RefreshSchema, returns=TokensSchema, throttle=("auth",), tags=("auth",),
    errors=("401 token_invalid", "401 token_reused", "401 session_ended", "403 account_suspended",
            "403 csrf_failed", "409 refresh_raced"),
)  # fmt: skip
def refresh(context: AuthResource, request: Request) -> dict[str, Any]:
    """Exchange the refresh token for new tokens; it works once.

    Of two requests at about the same time one is answered 409 `refresh_raced` and goes on with the tokens of the other:
    a browser has them as cookies after `Retry-After`. A token that was exchanged longer ago ends its session. With the
    cookie, `X-CSRF-Token` is needed.
    """
    token = request.validated["refresh_token"] or refresh_cookie(request)
    if not token:
        raise sessions.invalid_token()
    grant = sessions.refresh(request.db, request.core, token, request)
    set_cookies(request, grant)
    return _tokens(grant)


@view_config(
    context=AuthResource, name="logout", request_method="POST", permission=NO_PERMISSION_REQUIRED, status=204,
    idempotent=False, tags=("auth",), errors=("401 token_invalid", "401 token_expired", "403 csrf_failed"),
)  # fmt: skip
def logout(context: AuthResource, request: Request) -> None:
    """End the session and clear the cookies; doing so twice is no error."""
    session_id = session_to_end(request)
    if session_id is not None:
        service.logout(request.db, request.core, session_id, request)
    clear_cookies(request)


@view_config(
    context=SessionCollection, request_method="GET", permission="sessions:read", query=PageQuery,
    returns=SessionSchema, many="page", tags=("auth",),
)  # fmt: skip
def list_sessions(context: SessionCollection, request: Request) -> Page:
    """The devices that are signed in to the caller's account; `current` marks the one asking."""
    caller = request.caller
    statement = queries.live_sessions(caller.user_id, caller.session_id, request.core.clock())
    return page_of(request.reader, statement, **request.query)


@view_config(
    context=SessionResource, request_method="DELETE", permission="sessions:delete", status=204, tags=("auth",),
    errors=("409 current_session",),
)  # fmt: skip
def revoke_session(context: SessionResource, request: Request) -> None:
    """Sign a device out; the current one logs out instead."""
    session = context.row.id
    service.revoke_session(request.db, request.core, session, request.caller.session_id, request)
