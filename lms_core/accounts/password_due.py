"""An account whose password has to be changed (``must_change_password``) may do that, and nothing before it.

An administrator gives such an account a first password, or one after a theft; both are known to somebody else. So it
is not left to clients to ask for another: every view that asks for a permission answers 403
``password_change_required``, whatever the permission. Only a view that says ``while_password_due=True`` is open (change
the password, read oneself), and those that need no permission are (refresh, log out, set a password by mail).
"""

from collections.abc import Callable
from typing import Any

from pyramid.response import Response
from pyramid.security import NO_PERMISSION_REQUIRED

from lms_core.kernel.errors import Forbidden
from lms_core.kernel.i18n import _
from lms_core.kernel.request import Request

View = Callable[[Any, Request], Response]


def password_due_view(view: View, info: Any) -> View:
    """The deriver: asked before permissions, so that a refusal tells nothing of what is behind it."""
    permission = info.options.get("permission")
    if permission in (None, NO_PERMISSION_REQUIRED) or info.options.get("while_password_due"):
        return view

    def wrapped(context: Any, request: Request) -> Response:
        identity = request.identity
        if identity is not None and identity.password_due:
            raise Forbidden("password_change_required", _("Choose a new password first."))
        return view(context, request)

    return wrapped


password_due_view.options = ("while_password_due",)  # type: ignore[attr-defined]  # Pyramid reads them off the function.
