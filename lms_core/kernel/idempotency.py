"""``Idempotency-Key``: a POST that is sent again gets the first answer, and does nothing a second time.

The key is written in the request's own transaction. So a command that fails forgets its key; and a twin that
arrives while the first is at work waits for it, a few seconds at most. The order is: rate limit, permission, key,
body. Who may not do it learns nothing from a key, and a body that was refused may be corrected under the same key.

Answers are kept sealed (``lms.secret.keys``), because some carry tokens; of what was asked, only an HMAC is kept, by
the same keys: a body may hold what can be guessed. A view whose body holds a password takes no key all the same.
"""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from pyramid.response import Response
from sqlalchemy import delete, select, text, update
from sqlalchemy.dialects.postgresql import insert

from lms_core.kernel.bodies import whole_body
from lms_core.kernel.errors import Conflict, Invalid, LengthRequired
from lms_core.kernel.headers import client_address
from lms_core.kernel.i18n import _
from lms_core.kernel.models import IdempotencyKey

if TYPE_CHECKING:
    import uuid

    from pyramid.config import Configurator
    from sqlalchemy import Connection
    from sqlalchemy.orm import Session

    from lms_core.kernel.db import AnyRow
    from lms_core.kernel.request import Request

View = Callable[[Any, "Request"], Response]

_KEY = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]{0,198}[\x21-\x7e])?")
_KEPT_HEADERS = ("Content-Type", "Location", "ETag")
_LOCK_TIMEOUT = "5s"
"""How long a twin waits for the first; then the caller hears 409 ``try_again``."""


def idempotent_view(view: View, info: Any) -> View:
    """The deriver of every view that answers POST, unless it says ``idempotent=False``.

    One that waits long for its caller says ``idempotent="late"``: the key is written when all is done, so that no
    transaction is open meanwhile.
    """
    methods = info.options.get("request_method") or ("POST",)
    answers_post = "POST" in ((methods,) if isinstance(methods, str) else methods)
    if not answers_post or info.exception_only or info.options.get("idempotent") is False:
        return view

    once = _once_late if info.options.get("idempotent") == "late" else _once

    def wrapped(context: Any, request: "Request") -> Response:
        key = request.environ.get("HTTP_IDEMPOTENCY_KEY")
        if key is None or request.method != "POST":
            return view(context, request)
        if not _KEY.fullmatch(key):
            raise Invalid("idempotency_key_invalid", _("An Idempotency-Key is 1 to 200 printable ASCII characters."))
        return once(view, context, request, key)

    return wrapped


idempotent_view.options = ("idempotent",)  # type: ignore[attr-defined]  # Pyramid reads the names off the function.


def _once(view: View, context: Any, request: "Request", key: str) -> Response:
    scope, asked = _scope(request), _asked(request)
    claim = _claim(request, scope, key, asked)
    if claim is None:
        return _replay(request, _stored(request.db, scope, key), asked)
    response = view(context, request)
    if response.status_int >= 500:
        request.db.execute(delete(IdempotencyKey).where(IdempotencyKey.id == claim))
    else:
        request.db.execute(update(IdempotencyKey).where(IdempotencyKey.id == claim).values(**_kept(request, response)))
    return response


def _once_late(view: View, context: Any, request: "Request", key: str) -> Response:
    """A repeated request is known before anything is done; of twins at the same time, the later one is undone."""
    scope, asked = _scope(request), _asked(request)
    stored = _stored(request.reader, scope, key)
    if stored is not None:
        return _replay(request, stored, asked)
    response = view(context, request)
    claim = _claim(request, scope, key, asked)
    if claim is None:
        raise _try_again()
    request.db.execute(update(IdempotencyKey).where(IdempotencyKey.id == claim).values(**_kept(request, response)))
    return response


def _scope(request: "Request") -> str:
    """Keys of different people never meet; those of callers nobody knows are told apart by address."""
    identity = request.identity
    return str(identity.user_id) if identity is not None else f"anonymous:{client_address(request)}"


def _asked(request: "Request") -> bytes:
    """What was asked: method, path, and the body, or its length where it is an upload. Raises 411 without one."""
    environ = request.environ
    body = whole_body(request)
    if body is None:
        if request.content_length is None:
            raise LengthRequired(detail=_("With an Idempotency-Key, a large body needs its Content-Length."))
        body = f"{request.content_length} bytes".encode()
    target = f"POST {environ.get('PATH_INFO', '')}?{environ.get('QUERY_STRING', '')}\n"
    return target.encode("utf-8", "surrogatepass") + body


def _claim(request: "Request", scope: str, key: str, asked: bytes) -> "uuid.UUID | None":
    """Take the key for this request; None if it is taken. Waits while a twin that took it is at work."""
    request.db.execute(text(f"SET LOCAL lock_timeout = '{_LOCK_TIMEOUT}'"))
    claimed: uuid.UUID | None = request.db.execute(
        insert(IdempotencyKey)
        .values(
            scope=scope,
            key=key,
            method="POST",
            path=request.environ.get("PATH_INFO", "").replace("\x00", ""),
            fingerprint=request.core.tokens.requests.make(asked),
            headers={},
        )
        .on_conflict_do_nothing(index_elements=["scope", "key"])
        .returning(IdempotencyKey.id)
    ).scalar_one_or_none()
    return claimed


def _stored(db: "Session | Connection", scope: str, key: str) -> "AnyRow | None":
    columns = (IdempotencyKey.fingerprint, IdempotencyKey.status, IdempotencyKey.headers, IdempotencyKey.body)
    chosen = select(*columns).where(IdempotencyKey.scope == scope, IdempotencyKey.key == key)
    return db.execute(chosen).one_or_none()


def _kept(request: "Request", response: Response) -> dict[str, Any]:
    """The columns of an answer. Cookies are not kept."""
    body: bytes = response.body
    return {
        "status": response.status_int,
        "headers": {name: response.headers[name] for name in _KEPT_HEADERS if name in response.headers},
        "body": request.core.tokens.cipher.seal(body.decode("latin-1")).encode() if body else None,
    }


def _replay(request: "Request", stored: "AnyRow | None", asked: bytes) -> Response:
    if stored is None or stored.status is None:  # Expired between two statements, or never finished.
        raise _try_again()
    if not request.core.tokens.requests.fits(asked, stored.fingerprint):
        raise Invalid("idempotency_key_reused", _("This Idempotency-Key was used for another request."))
    response = Response(status=stored.status, content_type=None)
    if stored.body is not None:
        response.body = request.core.tokens.cipher.open(stored.body.decode()).encode("latin-1")
    response.headers.update(stored.headers)
    response.headers["Idempotent-Replayed"] = "true"
    return response


def _try_again() -> Conflict:
    return Conflict("try_again", _("The first request with this key is not done; try again."), retry_after=1)


def includeme(config: "Configurator") -> None:
    config.add_view_deriver(idempotent_view, under="secured_view", over="rendered_view")
