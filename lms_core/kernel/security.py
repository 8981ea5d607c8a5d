"""Who asks, and what they may: identity, principals, and the policy over ``__acl__``.

A permission is named ``resource:action``. A group grants it in a scope, which becomes the principal
``resource:action:scope``; scopes are ``own`` (things of mine), ``assigned`` (courses whose staff I am),
``enrolled`` (courses I attend) and ``all``. A resource knows which scopes apply to the caller and says so in its
``__acl__``, most often through :func:`scoped_acl`.
"""

import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pyramid.authorization import ACLHelper, Allow, Authenticated, Everyone
from pyramid.httpexceptions import HTTPForbidden
from pyramid.response import Response
from sqlalchemy import Connection, bindparam
from sqlalchemy.types import Uuid

from lms_core.kernel.errors import Forbidden, LMSError, NotFound, Unauthorized, problem
from lms_core.kernel.i18n import _
from lms_core.kernel.tokens import AccessClaims

if TYPE_CHECKING:
    from pyramid.config import Configurator

    from lms_core.kernel.request import Request

ACE = tuple[str, str, Any]
SCOPES = ("own", "assigned", "enrolled", "all")
ACCESS_COOKIE = "lms_access"
CALLER = bindparam("caller", type_=Uuid)
"""In a statement, the user who asks, or null; :func:`caller_id` is its value. Conditions that one domain adds to
another's statement share it."""
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True, slots=True)
class Identity:
    """A live session's user. ``principals`` hold the grants; ``locale`` is a language tag or empty."""

    user_id: uuid.UUID
    session_id: uuid.UUID
    principals: frozenset[str]
    groups: tuple[str, ...] = ()
    locale: str = ""
    time_zone: str = "UTC"
    password_due: bool = False
    """Whether the account has to choose a new password before it may do anything else."""

    def may(self, permission: str, scope: str = "all") -> bool:
        """Whether a group of the user's grants the permission in this scope."""
        return f"{permission}:{scope}" in self.principals

    @property
    def permissions(self) -> list[str]:
        """The grants, ``resource:action:scope``, sorted."""
        return sorted(principal for principal in self.principals if principal.count(":") == 2)


@dataclass(frozen=True, slots=True)
class Authentication:
    """The outcome of reading the credentials: an identity, nobody, or why the credentials are refused."""

    identity: Identity | None = None
    error: LMSError | None = None


IdentityLoader = Callable[[Connection, AccessClaims], Identity | None]
"""Answers the identity of a live session in one statement; accounts registers it."""


def caller_id(request: "Request") -> uuid.UUID | None:
    """Who asks, or None for nobody."""
    identity = request.identity
    return identity.user_id if identity is not None else None


def user_principal(user_id: uuid.UUID) -> str:
    return f"user:{user_id}"


def scoped_acl(permissions: Iterable[str], scopes: Iterable[str]) -> list[ACE]:
    """An entry for each permission in each scope that applies to the caller."""
    reach = tuple(scopes)
    return [(Allow, f"{permission}:{scope}", permission) for permission in permissions for scope in reach]


def authenticate(request: "Request") -> Authentication:
    """Read the bearer token or the cookie. Never raises: a refusal is kept for the views that ask."""
    header = request.headers.get("Authorization", "")
    kind, _space, token = header.partition(" ")
    by_cookie = not header
    if by_cookie:
        token = request.cookies.get(ACCESS_COOKIE, "")
        if not token:
            return Authentication()
    elif kind.lower() != "bearer":
        return Authentication(error=Unauthorized("token_invalid", _("Send a bearer token.")))
    try:
        claims = request.core.tokens.access.read(token.strip())
        if by_cookie:
            _check_csrf(request, claims.session_id)
    except LMSError as error:
        return Authentication(error=error)
    identity = request.registry.identity_loader(request.reader, claims)
    if identity is None:
        return Authentication(error=Unauthorized("session_ended", _("This session has ended; sign in again.")))
    return Authentication(identity)


def _check_csrf(request: "Request", session_id: uuid.UUID) -> None:
    if request.method in SAFE_METHODS:
        return
    if not request.core.tokens.csrf.fits(session_id, request.headers.get("X-CSRF-Token", "")):
        raise Forbidden("csrf_failed", _("Send the X-CSRF-Token that login returned."))


class SecurityPolicy:
    """Pyramid's ``ISecurityPolicy``: the identity of the request against the ACLs of the context's lineage."""

    def __init__(self) -> None:
        self._acl = ACLHelper()

    def identity(self, request: "Request") -> Identity | None:
        return request.identity

    def authenticated_userid(self, request: "Request") -> str | None:
        identity = request.identity
        return str(identity.user_id) if identity else None

    def permits(self, request: "Request", context: Any, permission: str) -> Any:
        """Raises what was wrong with the credentials, so that a stale token is never taken for nobody."""
        if request.authentication.error is not None:
            raise request.authentication.error
        return self._acl.permits(context, self.principals(request), permission)

    @staticmethod
    def principals(request: "Request") -> frozenset[str]:
        identity = request.identity
        return identity.principals if identity is not None else frozenset((Everyone,))

    def remember(self, request: "Request", userid: str, **kw: Any) -> list[tuple[str, str]]:
        """Cookies are set by the login view, with the session they belong to."""
        return []

    def forget(self, request: "Request", **kw: Any) -> list[tuple[str, str]]:
        return []


def make_identity(row: Any) -> Identity:
    """An identity from columns user_id, session_id, grants, groups, locale, time_zone and password_due."""
    return Identity(
        user_id=row.user_id,
        session_id=row.session_id,
        principals=frozenset((Everyone, Authenticated, user_principal(row.user_id), *row.grants)),
        groups=tuple(row.groups),
        locale=row.locale or "",
        time_zone=row.time_zone or "UTC",
        password_due=row.password_due,
    )


def forbidden_view(error: HTTPForbidden, request: "Request") -> Response:
    """401 for nobody, 404 where the caller may not know of the thing, else what it says itself: 403."""
    context = getattr(request, "context", None)
    if getattr(context, "concealed", False):
        return problem(request, NotFound())
    if request.identity is None:
        return problem(request, Unauthorized())
    refusal: LMSError = getattr(context, "refusal", None) or Forbidden()
    return problem(request, refusal)


def set_identity_loader(config: "Configurator", loader: IdentityLoader) -> None:
    """Directive: how a session becomes an identity. One for the application."""

    def register() -> None:
        config.registry.identity_loader = loader

    config.action("lms.identity_loader", register)


def includeme(config: "Configurator") -> None:
    config.add_directive("set_identity_loader", set_identity_loader)
    config.set_security_policy(SecurityPolicy())
    config.add_exception_view(forbidden_view, context=HTTPForbidden)
