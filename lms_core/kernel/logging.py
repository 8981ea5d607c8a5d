"""Logs: structlog to stdout for people and collectors, and one row of ``system_logs`` for each request.

:func:`configure_logging` is called once by whatever starts a process. Rows are handed to a thread of the process,
which writes them in batches; a request never waits for its log, and a database in trouble costs rows, not requests.
"""

import datetime as dt
import logging
import sys
import time
import traceback
import uuid
from collections.abc import Callable, MutableMapping
from typing import TYPE_CHECKING, Any

import orjson
import structlog
from pyramid.response import Response
from pyramid.tweens import EXCVIEW

from lms_core.kernel.errors import LMSError
from lms_core.kernel.headers import client_address
from lms_core.kernel.redaction import REDACTED, is_secret, redact, redact_query
from lms_core.kernel.requestlog import RequestLog
from lms_core.kernel.traversal import Item, parse_uuid
from lms_core.settings import Settings, SettingsError

if TYPE_CHECKING:
    from pyramid.config import Configurator
    from pyramid.registry import Registry

    from lms_core.kernel.request import Request

Handler = Callable[["Request"], Response]
Event = MutableMapping[str, Any]

_UNLOGGED = ("/health/", "/metrics")
"""Asked every few seconds by machines; their requests are counted and not logged."""
_LINE = (
    ("method", "request_method"), ("path", "request_path"), ("status", "response_status"), ("ms", "response_time_ms"),
    ("action", "action"), ("user", "user_id"), ("address", "ip_address"), ("request_id", "request_id"),
    ("error", "error_message"),
)  # fmt: skip
"""What the line has of the row, and how it is called there."""
_METHOD_LIMIT, _PATH_LIMIT, _AGENT_LIMIT, _BODY_LIMIT = 16, 2048, 512, 8192


def log_level(settings: Settings) -> int:
    """The number of ``lms.log.level``. Raises SettingsError."""
    levels = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
    level = levels.get(settings.text("lms.log.level"))
    if level is None:
        raise SettingsError("lms.log.level: not one of debug, info, warning, error")
    return level


def configure_logging(settings: Settings) -> None:
    """Send what structlog and the standard library log to stdout, in the format of ``lms.log.format``.

    For a process of ours to call once, at its start. Raises SettingsError.
    """
    level, form = log_level(settings), settings.text("lms.log.format")
    if form not in ("json", "console"):
        raise SettingsError("lms.log.format: not json or console")
    as_json = form == "json"
    shared: list[Any] = [
        structlog.stdlib.add_log_level,
        _add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _redact_event,
        structlog.processors.StackInfoRenderer(),
    ]
    render = _renderers(as_json)
    factory: Any = structlog.BytesLoggerFactory() if as_json else structlog.PrintLoggerFactory()
    structlog.configure(
        processors=[*shared, *render],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=factory,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stdout)
    text = [*render, lambda _logger, _method, line: line.decode()] if as_json else render
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *text], foreign_pre_chain=shared
        )
    )
    # Libraries never say at debug level what they send and receive: it is full of secrets.
    logging.basicConfig(handlers=[handler], level=max(level, logging.INFO), force=True)
    logging.captureWarnings(True)
    # It tells of each look at the schema's version, and readiness is asked often.
    logging.getLogger("alembic").setLevel(max(level, logging.WARNING))


def _renderers(as_json: bool) -> list[Any]:
    """The last processors: from an event to a line (bytes for JSON)."""
    if as_json:
        return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(serializer=_json)]
    # The rich traceback would show local variables, and with them whatever is secret.
    plain = structlog.dev.plain_traceback
    return [structlog.dev.ConsoleRenderer(colors=sys.stdout.isatty(), exception_formatter=plain)]


def _json(event: Any, **_options: Any) -> bytes:
    return orjson.dumps(event, default=str, option=orjson.OPT_NON_STR_KEYS | orjson.OPT_UTC_Z)


def _add_logger_name(logger: Any, _method: str, event: Event) -> Event:
    record = event.get("_record")
    name = record.name if record is not None else getattr(logger, "name", None)
    if name:
        event["logger"] = name
    return event


def _redact_event(_logger: Any, _method: str, event: Event) -> Event:
    for name in event:
        if is_secret(name):
            event[name] = REDACTED
    return event


def request_log_tween(handler: Handler, registry: "Registry") -> Handler:
    """One log line and one row for each request, whatever came of it."""
    settings = registry.core.settings
    line_wanted, row_wanted = log_level(settings) <= logging.INFO, settings.flag("lms.log.requests")
    if not line_wanted and not row_wanted:
        return handler
    log, rows = structlog.get_logger("lms.requests"), registry.request_log

    def tween(request: "Request") -> Response:
        began = time.perf_counter()
        status = 500
        try:
            response = handler(request)
            status = response.status_int
            return response
        finally:
            if not request.environ.get("PATH_INFO", "").startswith(_UNLOGGED):
                note(request, status, time.perf_counter() - began)

    def note(request: "Request", status: int, seconds: float) -> None:
        try:
            row = _row(request, status, seconds)
            if row_wanted:
                rows.add(row)
            if line_wanted:
                _write_line(log, row)
        except Exception as error:  # What was answered stays answered, whatever becomes of its log line.
            log.error("request_log_failed", exc_info=error)

    return tween


def _write_line(log: Any, row: dict[str, Any]) -> None:
    log.info("request", **{name: row[column] for name, column in _LINE if row[column] is not None})


def _row(request: "Request", status: int, seconds: float) -> dict[str, Any]:
    """The request's row of ``system_logs``. It reads what the request knows already, and loads nothing."""
    environ, known = request.environ, request.__dict__
    # From the wire the path comes as Latin-1, in which any bytes can stand; what is not UTF-8 shows as a mark.
    path = environ.get("PATH_INFO", "").encode("latin-1", "replace").decode("utf-8", "replace")
    method = _text(environ["REQUEST_METHOD"], _METHOD_LIMIT)
    query = redact_query(environ.get("QUERY_STRING", ""))
    authentication = known.get("authentication")
    identity = authentication.identity if authentication is not None else None
    item = _item(known.get("context"))
    agent = environ.get("HTTP_USER_AGENT")
    return {
        "request_id": environ.get("lms.request_id"),
        "user_id": identity.user_id if identity is not None else None,
        "action": f"{method} {request_target(request)}",
        "resource_type": type(item).__name__ if item is not None else None,
        "resource_id": _known_id(item) if item is not None else None,
        "ip_address": client_address(request),
        "user_agent": _text(agent, _AGENT_LIMIT) if agent else None,
        "request_method": method,
        "request_path": _text(f"{path}?{query}" if query else path, _PATH_LIMIT),
        "request_body": _body(known) if status >= 500 else None,
        "response_status": status,
        "response_time_ms": round(seconds * 1000),
        "error_message": _error(request) if status >= 400 else None,
        "created_at": dt.datetime.now(dt.UTC),
    }


def _known_id(item: Item) -> uuid.UUID | None:
    """The item's id where it is known without asking: it may be named by a slug, and may not exist."""
    known = item.__dict__
    row = known.get("row")
    found = known.get("id") or getattr(row, "id", None)
    return found if isinstance(found, uuid.UUID) else parse_uuid(item.__name__)


def request_target(request: "Request") -> str:
    """What was asked, with few values: the class of the resource and the view's name, else the route, else ``-``.

    A name that no view has (it came from the caller's URL) is left out.
    """
    known = request.__dict__
    route = known.get("matched_route")
    if route is not None:
        return str(route.name)
    context = known.get("context")
    if context is None:
        return "-"
    name = known.get("view_name")
    if name and name in request.registry.view_names():
        return f"{type(context).__name__}/{name}"
    return type(context).__name__


def _item(resource: Any) -> Item | None:
    """The nearest thing with an id: the resource itself or one that it hangs below."""
    while resource is not None:
        if isinstance(resource, Item):
            return resource
        resource = getattr(resource, "__parent__", None)
    return None


def _body(known: MutableMapping[str, Any]) -> str | None:
    """The body as the view understood it, without secrets: for a fault of ours only."""
    validated = known.get("validated")
    if validated is None:
        return None
    return _text(_json(redact(validated)).decode(), _BODY_LIMIT)


def _error(request: "Request") -> str | None:
    """The code of a refusal; of a fault the type and place, because its words may quote what must not be kept."""
    error = request.environ.get("lms.error") or request.__dict__.get("exception")
    if error is None:
        return None
    if isinstance(error, LMSError):
        return error.code
    frames = traceback.extract_tb(error.__traceback__)
    return f"{type(error).__name__} at {frames[-1].filename}:{frames[-1].lineno}" if frames else type(error).__name__


def _text(text: str, limit: int) -> str:
    """Text that PostgreSQL can hold: it has no NUL."""
    return text[:limit].replace("\x00", "\N{REPLACEMENT CHARACTER}")


class _ViewNames:
    """The names of the registered views, read when first asked: by then they are all there."""

    def __init__(self, registry: "Registry") -> None:
        self._registry = registry
        self._names: frozenset[str] | None = None

    def __call__(self) -> frozenset[str]:
        if self._names is None:
            views = self._registry.introspector.get_category("views") or ()
            self._names = frozenset(str(view["introspectable"]["name"]) for view in views)
        return self._names


def includeme(config: "Configurator") -> None:
    config.registry.view_names = _ViewNames(config.registry)
    config.registry.request_log = RequestLog(config.registry.core)
    config.add_tween(
        "lms_core.kernel.logging.request_log_tween", under="lms_core.kernel.headers.headers_tween", over=EXCVIEW
    )
