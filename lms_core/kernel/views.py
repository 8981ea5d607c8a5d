"""What ``@view_config`` learns here: ``body=``, ``query=``, ``returns=``, ``many=``, ``status=`` and the rest.

A view answers a row, a mapping, a page or None; the deriver loads what comes in, dumps what goes out, and keeps
``ETag`` and ``If-Match`` (RFC 9110) for items that have a version.
"""

import hashlib
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import orjson
from marshmallow import fields
from pyramid.httpexceptions import default_exceptionresponse_view
from pyramid.response import Response
from pyramid.viewderivers import VIEW

from lms_core.kernel.errors import PreconditionFailed
from lms_core.kernel.i18n import _
from lms_core.kernel.openapi.operations import permission_of
from lms_core.kernel.pagination import CursorPage, Page
from lms_core.kernel.schemas import Dump, Schema, boolean_of, compile_dump, load
from lms_core.kernel.traversal import Item
from lms_core.settings import SettingsError

if TYPE_CHECKING:
    from pyramid.config import Configurator

    from lms_core.kernel.request import Request

JSON_OPTIONS = orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS
View = Callable[[Any, "Request"], Any]


def api_view(view: View, info: Any) -> View:
    """The deriver: body and query in, representation out."""
    options: Mapping[str, Any] = info.options
    body: Schema | None = _instance(options.get("body"))
    query: Schema | None = _instance(options.get("query"))
    respond = partial(_respond, dumps=_dumps(options.get("returns")), status=options.get("status"))

    def wrapped(context: Any, request: "Request") -> Any:
        if query is not None:
            request.query = load(query, _flat(query, request.GET))
        if body is not None:
            request.validated = load(body, request.json_document())
        if request.if_match and request.method not in ("GET", "HEAD") and isinstance(context, Item):
            _check_match(request, context.lock())
        value = view(context, request)
        return value if isinstance(value, Response) else respond(context, request, value)

    return wrapped


api_view.options = ("body", "query", "returns", "many", "status", "errors", "tags")  # type: ignore[attr-defined]


def _instance(schema: type[Schema] | None) -> Schema | None:
    return schema() if schema is not None else None


def _dumps(schema: type[Schema] | None) -> tuple[Dump, Dump]:
    return compile_dump(schema()) if schema is not None else (dict, dict)


def _flat(schema: Schema, parameters: Any) -> dict[str, Any]:
    """The query string as the schema's input: lists where the schema has lists, else the last value.

    JSON has booleans; here they are words.
    """
    lists = {field.data_key for field in schema.fields.values() if type(field).__name__ == "List"}
    words = {field.data_key for field in schema.fields.values() if isinstance(field, fields.Boolean)}
    given = {name: parameters.getall(name) if name in lists else parameters[name] for name in parameters}
    return {name: boolean_of(value) if name in words else value for name, value in given.items()}


def _respond(context: Any, request: "Request", value: Any, *, dumps: tuple[Dump, Dump], status: int | None) -> Response:
    response: Response = request.response
    if value is None:
        response.status_int = status or 204
        response.content_type = None
        return response
    response.status_int = status or 200
    response.content_type = "application/json"
    response.body = orjson.dumps(represent(value, dumps), option=JSON_OPTIONS, default=str)
    if request.method in ("GET", "HEAD") and isinstance(context, Item):
        _tag(context, request, response)
    return response


def represent(value: Any, dumps: tuple[Dump, Dump]) -> Any:
    """A page, a list, a mapping or a row as plain values."""
    of_row, of_mapping = dumps
    if isinstance(value, Mapping):
        return of_mapping(value)
    if isinstance(value, Page):
        return {
            "items": [of_row(row) for row in value.items],
            "page": value.page,
            "limit": value.limit,
            "total": value.total,
            "totalIsExact": value.total_is_exact,
        }
    if isinstance(value, CursorPage):
        return {"items": [of_row(row) for row in value.items], "next": value.next}
    if isinstance(value, list):
        return {"items": [of_mapping(row) if isinstance(row, Mapping) else of_row(row) for row in value]}
    return of_row(value)


def _tag(context: Item, request: "Request", response: Response) -> None:
    """``ETag: "<version>.<hash of the body>"``: caches compare it whole, ``If-Match`` compares the version."""
    version = context.version
    if version is None:
        return
    response.etag = f"{version}.{hashlib.blake2b(response.body, digest_size=8).hexdigest()}"
    response.vary = ("Authorization", "Cookie", "Accept-Language")
    response.cache_control = "private, no-cache"
    response.conditional_response = True


def _check_match(request: "Request", version: str | None) -> None:
    given = request.headers.get("If-Match", "")
    if given.strip() == "*" or version is None:
        return
    tags = [tag.strip().removeprefix("W/").strip('"').partition(".")[0] for tag in given.split(",")]
    if version not in tags:
        raise PreconditionFailed("stale", _("Somebody changed this since you read it; read it again."))


def answered(request: "Request", schema: type[Schema], value: Any, status: int) -> Response:
    """Another representation than the view ``returns=``; the view names it by ``answers={202: schema}``."""
    return _respond(None, request, value, dumps=_dumps(schema), status=status)


def created(request: "Request", *names: object) -> None:
    """Set ``Location`` to the :func:`public_url` of what was made."""
    request.response.location = public_url(request, *names)


def public_url(request: "Request", *names: object) -> str:
    """``/api/v1/<names>`` below ``lms.url``: what the caller wrote as ``Host`` is no address."""
    base = request.core.settings.text("lms.url").rstrip("/")
    return "/".join((f"{base}/api/v1", *(str(name) for name in names)))


def api_url(request: "Request", *names: object) -> str:
    """An absolute path below the API, behind whatever prefix the application is mounted at."""
    return "/".join((request.script_name + "/api/v1", *(str(name) for name in names)))


def refuse_unguarded(registry: Any) -> None:
    """Raises SettingsError, by name, for a view without ``permission=``: Pyramid would show it to everybody."""
    for entry in registry.introspector.get_category("views"):
        view = entry["introspectable"]
        # Pyramid's own view of its exceptions can be raised to, and not visited.
        if view["exception_only"] or view["callable"] is default_exceptionresponse_view:
            continue
        if permission_of(entry) is not None:
            continue
        name = f"{view['callable'].__module__}.{view['callable'].__qualname__}"
        raise SettingsError(f"the view {name} names no permission=; one for everybody says NO_PERMISSION_REQUIRED")


def includeme(config: "Configurator") -> None:
    config.add_view_deriver(api_view, under="rendered_view", over=VIEW)
