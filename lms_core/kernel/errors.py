"""Errors with stable codes, and the one place where they become HTTP (RFC 9457 ``application/problem+json``)."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import orjson
import psycopg
import structlog
from pyramid.exceptions import PredicateMismatch
from pyramid.httpexceptions import HTTPException
from pyramid.response import Response
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolExhausted

from lms_core.kernel.i18n import _, browser_localizer

if TYPE_CHECKING:
    from pyramid.config import Configurator

    from lms_core.kernel.request import Request

MOST_ERRORS = 100
"""Fields and messages that an answer lists; nobody mends more at once."""
LONGEST_MESSAGE = 500
"""Characters of a message, or of a field's name, that are shown."""
FieldErrors = Mapping[str, Any]
"""Messages by field, nested as the body is: ``{"email": ["..."], "items": {"0": {"title": ["..."]}}}``."""


class LMSError(Exception):
    """A failure the caller can act on. ``code`` is stable and never translated; ``detail`` is for people."""

    status = 400
    code = "bad_request"
    title = _("Bad request")

    def __init__(
        self,
        code: str | None = None,
        detail: str | None = None,
        *,
        errors: FieldErrors | None = None,
        retry_after: float | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        self.code = code or self.code
        self.detail = detail
        self.errors = errors
        self.retry_after = retry_after
        """Seconds until it is worth trying again."""
        self.extra = extra or {}
        super().__init__(self.code, str(detail or ""))


class BadRequest(LMSError):
    pass


class Unauthorized(LMSError):
    status, code, title = 401, "unauthorized", _("Authentication needed")


class PaymentRequired(LMSError):
    status, code, title = 402, "payment_required", _("To be paid for")


class Forbidden(LMSError):
    status, code, title = 403, "forbidden", _("Not allowed")


class NotFound(LMSError):
    status, code, title = 404, "not_found", _("Not found")


class MethodNotAllowed(LMSError):
    status, code, title = 405, "method_not_allowed", _("Method not allowed")


class TookTooLong(LMSError):
    status, code, title = 408, "request_timeout", _("Took too long")


class Conflict(LMSError):
    status, code, title = 409, "conflict", _("Conflict with the current state")


class Gone(LMSError):
    status, code, title = 410, "gone", _("No longer there")


class LengthRequired(LMSError):
    status, code, title = 411, "length_required", _("Length required")


class PreconditionFailed(LMSError):
    status, code, title = 412, "precondition_failed", _("Changed in the meantime")


class TooLarge(LMSError):
    status, code, title = 413, "too_large", _("Too large")


class UnsupportedMediaType(LMSError):
    status, code, title = 415, "unsupported_media_type", _("Unsupported media type")


class RangeNotSatisfiable(LMSError):
    status, code, title = 416, "range_not_satisfiable", _("No such range")


class Invalid(LMSError):
    status, code, title = 422, "invalid", _("Invalid data")


class Locked(LMSError):
    status, code, title = 423, "locked", _("Locked")


class TooMany(LMSError):
    status, code, title = 429, "too_many_requests", _("Too many requests")


class ChecksumMismatch(LMSError):
    """A status that the tus protocol made up."""

    status, code, title = 460, "checksum_mismatch", _("Checksum mismatch")


class Unavailable(LMSError):
    status, code, title = 503, "unavailable", _("Not available right now")


class InternalError(LMSError):
    status, code, title = 500, "internal_error", _("Internal error")


def invalid_fields(errors: FieldErrors) -> Invalid:
    """422 ``invalid``: what is wrong with which fields."""
    return Invalid("invalid", _("Some fields are not valid."), errors=errors)


_IDLE_TOO_LONG = "25P03"

_BY_STATUS: Mapping[int, type[LMSError]] = {
    error.status: error
    for error in (
        BadRequest, Unauthorized, Forbidden, NotFound, MethodNotAllowed, TookTooLong, Conflict, Gone, LengthRequired,
        PreconditionFailed, TooLarge, UnsupportedMediaType, RangeNotSatisfiable, Invalid, TooMany, Unavailable,
        InternalError,
    )
}  # fmt: skip


def problem(request: "Request", error: LMSError) -> Response:
    """The problem document of an error, in the caller's language."""
    translate = request.localizer.translate
    document: dict[str, Any] = {
        "type": f"urn:lms:error:{error.code}",
        "title": translate(error.title),
        "status": error.status,
        "code": error.code,
        "requestId": request.request_id,
    }
    if error.detail:
        document["detail"] = translate(error.detail)
    if error.errors is not None:
        document["errors"] = _translated(error.errors, translate, iter(range(MOST_ERRORS)))
    document.update(error.extra)
    response = Response(
        body=orjson.dumps(document, option=orjson.OPT_UTC_Z),
        status=error.status,
        content_type="application/problem+json",
        charset=None,
    )
    if error.retry_after is not None:
        response.headers["Retry-After"] = str(max(1, int(error.retry_after + 0.999)))
    if error.status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def _translated(errors: Any, translate: Any, room: Iterator[int]) -> Any:
    """The messages as far as there is room. Names of fields may be the caller's own, of any number and length."""
    if isinstance(errors, Mapping):
        named = zip(errors.items(), room, strict=False)
        return {_short(str(key)): _translated(value, translate, room) for (key, value), _place in named}
    if isinstance(errors, Sequence) and not isinstance(errors, str):
        return [_translated(value, translate, room) for value, _place in zip(errors, room, strict=False)]
    return _short(str(translate(errors)))


def _short(text: str) -> str:
    return text if len(text) <= LONGEST_MESSAGE else f"{text[:LONGEST_MESSAGE]}..."


def lms_error_view(error: LMSError, request: "Request") -> Response:
    return problem(request, error)


def http_error_view(error: HTTPException, request: "Request") -> Response:
    """Pyramid's own refusals (no view, bad URL encoding, wrong method) in the same dress; redirects pass."""
    if error.status_int < 400:
        return error
    if isinstance(error, PredicateMismatch):  # There is such a thing, and no such method on it.
        return problem(request, MethodNotAllowed())
    kind = _BY_STATUS.get(error.status_int, BadRequest)
    shaped = kind()
    if kind is BadRequest:
        shaped.status = error.status_int
    return problem(request, shaped)


def unreadable_view(error: UnicodeDecodeError, request: "Request") -> Response:
    """A URL that is not UTF-8 names nothing."""
    return problem(request, NotFound())


def database_error_view(error: DBAPIError | psycopg.Error, request: "Request") -> Response:
    """Values PostgreSQL cannot hold are the caller's mistake; a lost connection is ours and passes."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    state = getattr(cause, "sqlstate", None) or ""
    log = structlog.get_logger("lms.errors")
    # Data exceptions (out of range, not a date), or what the driver itself finds that no text can hold: a NUL.
    if state.startswith("22") or isinstance(cause, psycopg.DataError):
        return problem(request, Invalid("invalid", _("A value is out of range or not text.")))
    if state in {"40001", "40P01", "55P03"}:  # Serialization failure, deadlock, lock not available.
        return problem(request, Conflict("try_again", _("Somebody changed the same thing; try again."), retry_after=1))
    if isinstance(cause, psycopg.OperationalError | psycopg.InterfaceError) or state == _IDLE_TOO_LONG:
        log.exception("database_unavailable")
        return _out_of_service(request, Unavailable("database_unavailable", retry_after=5))
    return unexpected_view(error, request)


def pool_exhausted_view(error: PoolExhausted, request: "Request") -> Response:
    """Every connection is in use, and none came back in time."""
    structlog.get_logger("lms.errors").warning("database_pool_exhausted", request_id=request.request_id)
    return _out_of_service(request, Unavailable("busy", _("Many people are at work; try again."), retry_after=2))


def _out_of_service(request: "Request", error: Unavailable) -> Response:
    """In the browser's language: to ask in which the user reads would fail, or wait, once more."""
    request.__dict__.setdefault("localizer", browser_localizer(request))
    return problem(request, error)


def unexpected_view(error: Exception, request: "Request") -> Response:
    """A fault of ours: logged whole with the request id, answered without any of its words."""
    structlog.get_logger("lms.errors").error("unhandled_exception", exc_info=error, request_id=request.request_id)
    request.environ["lms.error"] = error
    return problem(request, InternalError())


def includeme(config: "Configurator") -> None:
    config.add_exception_view(lms_error_view, context=LMSError)
    config.add_exception_view(http_error_view, context=HTTPException)
    config.add_exception_view(unreadable_view, context=UnicodeDecodeError)
    config.add_exception_view(database_error_view, context=DBAPIError)
    config.add_exception_view(database_error_view, context=psycopg.Error)
    config.add_exception_view(pool_exhausted_view, context=PoolExhausted)
    config.add_exception_view(unexpected_view, context=Exception)
