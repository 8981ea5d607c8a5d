"""The cookies of a session. Scripts can read none of them but the CSRF token's."""

import uuid

from lms_core.accounts.signin.sessions import Grant
from lms_core.kernel.errors import Forbidden
from lms_core.kernel.i18n import _
from lms_core.kernel.request import Request
from lms_core.kernel.security import ACCESS_COOKIE
from lms_core.kernel.views import api_url

REFRESH_COOKIE = "lms_refresh"
CSRF_COOKIE = "lms_csrf"
"""A page that was loaded anew finds here what it must send as ``X-CSRF-Token``; other sites cannot read it."""


def set_cookies(request: Request, grant: Grant) -> None:
    """Give the browser a session's tokens; the refresh token goes nowhere but to the auth endpoints."""
    settings = request.core.settings
    session_life = int(settings.seconds("lms.session.ttl"))
    _set(request, ACCESS_COOKIE, grant.access_token, life=grant.expires_in)
    _set(request, REFRESH_COOKIE, grant.refresh_token, life=session_life, path=_auth_path(request))
    _set(request, CSRF_COOKIE, grant.csrf_token, life=session_life, httponly=False)


def clear_cookies(request: Request) -> None:
    for name in (ACCESS_COOKIE, CSRF_COOKIE):
        request.response.delete_cookie(name, path=_root(request))
    request.response.delete_cookie(REFRESH_COOKIE, path=_auth_path(request))


def refresh_cookie(request: Request) -> str | None:
    """The refresh token the browser sent. Raises 403 ``csrf_failed`` where another site may have made it do so."""
    token: str | None = request.cookies.get(REFRESH_COOKIE)
    if not token:
        return None
    session_id = request.core.tokens.refresh.session_of(token)
    given = request.headers.get("X-CSRF-Token", "")
    if session_id is not None and not request.core.tokens.csrf.fits(session_id, given):
        raise Forbidden("csrf_failed", _("Send the X-CSRF-Token that login returned."))
    return token


def session_to_end(request: Request) -> uuid.UUID | None:
    """The session that a logout means: the access token's, or where that has run out the refresh cookie's.

    None where it has ended already, or nobody was signed in. Raises what is wrong with other credentials: who is
    told that they are logged out must be.
    """
    identity, error = request.identity, request.authentication.error
    if identity is not None:
        return identity.session_id
    token = refresh_cookie(request)
    if token is not None:
        return request.core.tokens.refresh.session_of(token)
    if error is not None and error.code != "session_ended":
        raise error
    return None


def _set(request: Request, name: str, value: str, *, life: int, path: str | None = None, httponly: bool = True) -> None:
    request.response.set_cookie(
        name,
        value,
        max_age=life,
        path=path or _root(request),
        httponly=httponly,
        secure=request.core.settings.flag("lms.session.cookie_secure"),
        samesite="Lax",
    )


def _root(request: Request) -> str:
    return request.script_name or "/"


def _auth_path(request: Request) -> str:
    return api_url(request, "auth")
