"""``GET /api/v1/openapi.json``: the OpenAPI 3.1 document, made from the views as they are registered.

Paths come from the resource tree, bodies and answers from the schemas, summaries from the docstrings; nothing is
declared twice. ``/api/docs`` shows it with Swagger UI, served from its wheel.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import orjson
from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from marshmallow import fields
from pyramid.response import Response
from pyramid.security import NO_PERMISSION_REQUIRED
from swagger_ui_bundle import swagger_ui_path

from lms_core.kernel import schemas
from lms_core.kernel.schemas import Schema, camel
from lms_core.kernel.traversal import paths

if TYPE_CHECKING:
    from pyramid.config import Configurator

    from lms_core.kernel.request import Request

PROBLEM = "Problem"
_COMMON = {
    400: "The body is not JSON.",
    401: "No valid credentials.",
    403: "Not allowed.",
    404: "No such thing, or none the caller may know of.",
    409: "In conflict with the current state.",
    412: "Changed since the version in If-Match.",
    422: "Invalid fields; `errors` names them.",
    429: "Too many requests; see Retry-After.",
}


@dataclass(frozen=True, slots=True)
class Operation:
    """One registered API view: ``options`` are its ``@view_config`` arguments."""

    path: str
    method: str
    name: str
    permission: str | None
    options: Mapping[str, Any]
    doc: str


def operations(registry: Any) -> Iterator[Operation]:
    """Every view of the API, at every path of its context class."""
    views = [(entry["introspectable"], permission_of(entry)) for entry in registry.introspector.get_category("views")]
    for kind, path in paths(registry):
        for view, permission in views:
            context = view["context"]
            if not isinstance(context, type) or context not in kind.__mro__ or context is object:
                continue
            name = view["name"]
            callable_ = view["callable"]
            methods = view["request_methods"] or ()
            for method in (methods,) if isinstance(methods, str) else methods:
                if method != "HEAD":
                    yield Operation(
                        path=f"{path}/{name}" if name else path,
                        method=method.lower(),
                        name=callable_.__name__,
                        permission=permission,
                        options=view,
                        doc=(callable_.__doc__ or "").strip(),
                    )


def permission_of(entry: Mapping[str, Any]) -> str | None:
    """The permission of a view's entry in Pyramid's introspector, which keeps it as an entry of its own."""
    values = [other["value"] for other in entry["related"] if other.category_name == "permissions"]
    return values[0] if values else None


def document(registry: Any) -> dict[str, Any]:
    """The whole document."""
    settings = registry.core.settings
    marshmallow = MarshmallowPlugin(schema_name_resolver=_schema_name)
    spec = APISpec(
        title=f"{settings.text('lms.name')} API",
        version="1",
        openapi_version="3.1.0",
        info={"description": _DESCRIPTION},
        plugins=[marshmallow],
        servers=[{"url": settings.text("lms.url")}],
    )
    _teach_fields(marshmallow)
    spec.components.schema(PROBLEM, dict(_PROBLEM_SCHEMA))
    spec.components.security_scheme("bearer", {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"})
    spec.components.security_scheme("cookie", {"type": "apiKey", "in": "cookie", "name": "lms_access"})
    gathered: dict[str, dict[str, Any]] = {}
    for operation in operations(registry):
        gathered.setdefault(operation.path, {})[operation.method] = _describe(operation)
    for path, methods in sorted(gathered.items()):
        parameters = [_path_parameter(name) for name in re.findall(r"{(\w+)}", path)]
        spec.path(path=path, operations=methods, parameters=parameters)
    result: dict[str, Any] = spec.to_dict()
    return result


def _schema_name(schema: Any) -> str:
    """``ProfileSchema`` -> ``Profile``, and ``ProfileWithoutPermissions`` for one that leaves a field out."""
    if isinstance(schema, type):
        return schema.__name__.removesuffix("Schema")
    left_out = sorted(set(schema.exclude) - set(type(schema).Meta.__dict__.get("exclude", ())))
    suffix = "Without" + "".join(camel(f"_{name}") for name in left_out) if left_out else ""
    return type(schema).__name__.removesuffix("Schema") + suffix


def _path_parameter(name: str) -> dict[str, Any]:
    shape = {"type": "string"} if name.endswith("IdOrSlug") else {"type": "string", "format": "uuid"}
    return {"in": "path", "name": name, "required": True, "schema": shape}


def _describe(operation: Operation) -> dict[str, Any]:
    summary, _break, description = operation.doc.partition("\n")
    options = operation.options
    described: dict[str, Any] = {
        "operationId": camel(operation.name),
        "summary": summary.rstrip("."),
        "tags": list(options.get("tags") or (operation.path.split("/")[3],)),
        "responses": _responses(operation),
    }
    if description.strip():
        described["description"] = re.sub(r"\n\s+", "\n", description.strip())
    if options.get("body"):
        described["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": options["body"]}},
        }
    parameters: list[Any] = []
    if options.get("query"):
        parameters.append({"in": "query", "schema": options["query"]})
    if operation.method == "post" and options.get("idempotent") is not False:
        parameters.append(_IDEMPOTENCY_KEY)
    if _edits_item(operation):
        parameters.append(_IF_MATCH)
    if parameters:
        described["parameters"] = parameters
    if operation.permission == NO_PERMISSION_REQUIRED:
        described["security"] = []
    else:
        described["security"] = [{"bearer": []}, {"cookie": []}]
        described["x-permission"] = operation.permission
    return described


def _responses(operation: Operation) -> dict[str, Any]:
    options = operation.options
    returns = options.get("returns")
    status = options.get("status") or (200 if returns or options.get("many") else 204)
    answer: dict[str, Any] = {"description": {200: "OK", 201: "Created", 202: "Accepted"}.get(status, "Done")}
    if returns:
        answer["content"] = {"application/json": {"schema": _many(returns, options.get("many"))}}
    if status == 201:
        answer["headers"] = {"Location": {"schema": {"type": "string"}, "description": "Where the new thing is."}}
    responses: dict[str, Any] = {str(status): answer}
    codes = {429} if options.get("throttle") else set()
    if operation.permission != NO_PERMISSION_REQUIRED:
        codes |= {401, 403}
    if "{" in operation.path:
        codes.add(404)
    if options.get("body"):
        codes |= {400, 422}
    if options.get("query"):
        codes.add(422)
    if _edits_item(operation):
        codes.add(412)
    if options.get("errors"):
        codes.add(409)
    for code in sorted(codes):
        responses[str(code)] = _problem(_COMMON[code])
    named = options.get("errors") or ()
    if named:
        responses["default"] = _problem("Codes of this operation: " + ", ".join(f"`{code}`" for code in named) + ".")
    return responses


def _edits_item(operation: Operation) -> bool:
    """Whether it changes one thing that has a version."""
    return operation.method in ("put", "patch", "delete") and operation.path.endswith(("}", "/me"))


def _problem(description: str) -> dict[str, Any]:
    reference = {"$ref": f"#/components/schemas/{PROBLEM}"}
    return {"description": description, "content": {"application/problem+json": {"schema": reference}}}


def _many(returns: type[Schema], many: str | None) -> Any:
    if many is None:
        return returns
    items = {"type": "array", "items": returns}
    numbers = {"page": {"type": "integer"}, "limit": {"type": "integer"}, "total": {"type": "integer"}}
    beside: dict[str, dict[str, Any]] = {
        "page": {**numbers, "totalIsExact": {"type": "boolean"}},
        "cursor": {"next": {"type": ["string", "null"]}},
        "list": {},
    }
    extra = beside[many]
    return {"type": "object", "properties": {"items": items, **extra}, "required": ["items", *extra]}


def _teach_fields(plugin: Any) -> None:
    """How our own fields look in JSON Schema."""
    converter = plugin.converter
    converter.field_mapping[schemas.Timestamp] = ("string", "date-time")
    converter.field_mapping[schemas.Money] = ("string", "decimal")
    converter.field_mapping[schemas.Percentage] = ("number", None)
    converter.field_mapping[schemas.Number] = ("number", None)
    converter.field_mapping[fields.Raw] = (None, None)

    def part(_converter: Any, field: Any, **_kwargs: Any) -> dict[str, Any]:
        if isinstance(field, schemas.Part):
            inner: dict[str, Any] = converter.resolve_nested_schema(field.schema_class)
            return {"anyOf": [inner, {"type": "null"}]}
        return {}

    converter.add_attribute_function(part)


_PROBLEM_SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "description": "RFC 9457. `code` is stable; `title` and `detail` are for people, in their language.",
    "required": ["type", "title", "status", "code", "requestId"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string"},
        "errors": {"type": "object", "description": "Messages by field."},
        "requestId": {"type": "string"},
    },
    "example": {
        "type": "urn:lms:error:invalid",
        "title": "Invalid data",
        "status": 422,
        "detail": "Some fields are not valid.",
        "code": "invalid",
        "errors": {"email": ["Not a valid email address."]},
        "requestId": "5b0c6f4e-6c8e-4b0e-9d54-0c1f2f1f7d6a",
    },
}

_IDEMPOTENCY_KEY = {
    "in": "header",
    "name": "Idempotency-Key",
    "schema": {"type": "string", "maxLength": 200},
    "description": "Repeating the request with the same key gets the first answer and changes nothing.",
}

_IF_MATCH = {
    "in": "header",
    "name": "If-Match",
    "schema": {"type": "string"},
    "description": "The `ETag` that was read: 412 where the thing has changed since.",
}

_DESCRIPTION = """\
JSON with camelCase keys, UUIDs, RFC 3339 times in UTC. Errors are `application/problem+json` with a stable `code`.
Sign in at `/api/v1/auth/login`; send the access token as a bearer token, or use the cookies together with
`X-CSRF-Token`. Single resources carry an `ETag`; send it as `If-Match` to be told when somebody was faster.
"""


def document_view(request: "Request") -> Response:
    return Response(body=request.registry.openapi(), content_type="application/json", charset=None)


def docs_view(request: "Request") -> Response:
    prefix = request.script_name
    response = Response(text=_PAGE.format(prefix=prefix), content_type="text/html")
    response.headers["Content-Security-Policy"] = (
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:;"
        " connect-src 'self'; frame-ancestors 'none'"
    )
    return response


def docs_script_view(request: "Request") -> Response:
    return Response(text=_SCRIPT.format(prefix=request.script_name), content_type="text/javascript")


_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>API</title>
<link rel="stylesheet" href="{prefix}/api/docs/ui/swagger-ui.css"></head>
<body><div id="ui"></div>
<script src="{prefix}/api/docs/ui/swagger-ui-bundle.js"></script>
<script src="{prefix}/api/docs/start.js"></script></body></html>
"""
_SCRIPT = """SwaggerUIBundle({{url: "{prefix}/api/v1/openapi.json", dom_id: "#ui", deepLinking: true}});
"""


def includeme(config: "Configurator") -> None:
    registry = config.registry
    cached: list[bytes] = []

    def body() -> bytes:
        """Made at the first request, when every view is registered, and kept."""
        if not cached:
            cached.append(orjson.dumps(document(registry)))
        return cached[0]

    registry.openapi = body
    public = partial(config.add_view, permission=NO_PERMISSION_REQUIRED, request_method="GET")
    for name, path, view in _ROUTES:
        config.add_route(name, path)
        public(view, route_name=name)
    config.add_static_view("api/docs/ui", str(swagger_ui_path), cache_max_age=86400)


_ROUTES: Sequence[tuple[str, str, Any]] = (
    ("openapi", "/api/v1/openapi.json", document_view),
    ("docs", "/api/docs", docs_view),
    ("docs_script", "/api/docs/start.js", docs_script_view),
)
