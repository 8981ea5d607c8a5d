"""The errors an operation can answer: its own, and those that come with what it declares."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from lms_core.kernel.errors import LMSError
from lms_core.kernel.openapi.operations import Operation

REQUEST_ID = "5b0c6f4e6c8e4b0e9d540c1f2f1f7d6a"

PROBLEM: Mapping[str, Any] = {
    "type": "object",
    "description": "RFC 9457. `code` is stable; `title` and `detail` are for people, in their language.",
    "required": ["type", "title", "status", "code", "requestId"],
    "properties": {
        "type": {"type": "string", "description": "`urn:lms:error:` and the code."},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string"},
        "errors": {"type": "object", "description": "Messages by field, nested as the body is."},
        "requestId": {"type": "string", "description": "What to quote when asking for help; also `X-Request-Id`."},
    },
    "example": {
        "type": "urn:lms:error:invalid",
        "title": "Invalid data",
        "status": 422,
        "detail": "Some fields are not valid.",
        "code": "invalid",
        "errors": {"email": ["Not an e-mail address."]},
        "requestId": REQUEST_ID,
    },
}

_MEANINGS: Mapping[int, str] = {
    400: "The body is not JSON, or not all of it came.",
    401: "No valid credentials.",
    402: "To be paid for; `payment` says what and how.",
    403: "Not allowed.",
    404: "No such thing, or none the caller may know of.",
    408: "The body came too slowly.",
    409: "In conflict with the current state.",
    410: "No longer there.",
    412: "Changed since the version in `If-Match`.",
    413: "Larger than is allowed.",
    415: "Not a type that this takes.",
    416: "The range begins after the end.",
    422: "Invalid data; `errors` names the fields.",
    429: "Too many requests; see `Retry-After`.",
    500: "A fault of the server.",
    503: "Something that this needs does not answer; see `Retry-After`.",
}

_KINDS: Mapping[int, type[LMSError]] = {
    kind.status: kind for kind in LMSError.__subclasses__() if kind.__module__ == LMSError.__module__
}
_RETRIED = frozenset({429, 503})


def problems(operation: Operation) -> dict[int, list[str]]:
    """The codes by status, both in order."""
    found: dict[int, list[str]] = {}
    for error in sorted({*(operation.options.get("errors") or ()), *_implied(operation)}):
        status, _space, code = error.partition(" ")
        found.setdefault(int(status), []).append(code)
    return found


def _implied(operation: Operation) -> Iterator[str]:
    options = operation.options
    yield from ("500 internal_error", "503 database_unavailable", "503 busy")
    if not operation.public:
        yield from ("401 unauthorized", "401 token_invalid", "401 token_expired", "401 session_ended", "403 forbidden")
        if operation.unsafe:
            yield "403 csrf_failed"
        if not options.get("while_password_due"):
            yield "403 password_change_required"
    if "{" in operation.path:
        yield "404 not_found"
    if operation.unsafe:
        yield "409 try_again"
        if operation.on_item:
            yield "412 stale"
    if options.get("body"):
        yield from ("400 malformed_json", "400 body_incomplete", "408 body_too_slow")
        yield from ("413 too_large", "415 unsupported_media_type")
    if options.get("body") or options.get("query"):
        yield "422 invalid"
    if options.get("many") == "cursor":
        yield "422 cursor_invalid"
    if operation.idempotent:
        yield from ("422 idempotency_key_invalid", "422 idempotency_key_reused")
    if options.get("throttle"):
        yield "429 too_many_requests"


def response_name(status: int, codes: Iterable[str]) -> str:
    """The component that all operations with the same codes of a status share."""
    return ".".join((str(status), *codes))


def response(status: int, codes: Iterable[str]) -> dict[str, Any]:
    """The response of one status, with an example for each code."""
    codes = list(codes)
    named = ", ".join(f"`{code}`" for code in codes)
    only = {"type": "object", "properties": {"status": {"const": status}, "code": {"enum": codes}}}
    described: dict[str, Any] = {
        "description": f"{_MEANINGS.get(status, 'Refused.')} Codes: {named}.",
        "content": {
            "application/problem+json": {
                "schema": {"allOf": [{"$ref": "#/components/schemas/Problem"}, only]},
                "examples": {code: {"value": _example(status, code)} for code in codes},
            }
        },
    }
    if status in _RETRIED:
        retry = {"description": "Seconds until it is worth trying again.", "schema": {"type": "integer"}, "example": 30}
        described["headers"] = {"Retry-After": retry}
    return described


def _example(status: int, code: str) -> dict[str, Any]:
    if code == PROBLEM["example"]["code"]:
        return dict(PROBLEM["example"])
    title = str(_KINDS.get(status, LMSError).title)
    return {
        "type": f"urn:lms:error:{code}", "title": title, "status": status, "code": code, "requestId": REQUEST_ID,
    }  # fmt: skip
