"""``GET /api/v1/openapi.json``: the OpenAPI 3.1 document, made from the views as they are registered.

Paths come from the resource tree, bodies and answers from the schemas, summaries from the docstrings, examples from
the fields; nothing is declared twice. ``/api/docs`` shows it with Swagger UI, served from its wheel.

What a view declares besides the options of :mod:`lms_core.kernel.views`:

- ``errors=("409 email_taken",)``: its own codes with their statuses. What follows from the other options (the
  permission, the body, ``throttle=``) is added by itself.
- ``consumes="application/offset+octet-stream"``: the body is bytes of this type, or of one of these; ``form=`` is the
  schema of a ``multipart/form-data`` body, whose files are :class:`Binary` fields. The view reads either by itself.
- ``headers=``: a schema of request headers of its own, named by ``data_key="Upload-Offset"``.
- ``produces="application/pdf"``: it answers bytes of this type, or of one of these; ``answer_headers=`` is the schema
  of headers that the answer carries, and ``answers={206: "The range asked for."}`` names further statuses, in words or
  by the schema of what is answered.
"""

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import orjson
from pyramid.response import Response
from pyramid.security import NO_PERMISSION_REQUIRED
from swagger_ui_bundle import swagger_ui_path

from lms_core.kernel.openapi.document import document
from lms_core.kernel.openapi.json_schema import json_schema
from lms_core.kernel.openapi.operations import Binary, Operation, described_view, operations, permission_of

if TYPE_CHECKING:
    from pyramid.config import Configurator

    from lms_core.kernel.request import Request

__all__ = ["Binary", "Operation", "document", "json_schema", "operations", "permission_of"]


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
    config.add_view_deriver(described_view)
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
