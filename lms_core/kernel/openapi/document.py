"""The OpenAPI 3.1 document, put together from the operations, their schemas and their docstrings."""

import re
from typing import Any

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from marshmallow import fields

from lms_core.kernel import schemas
from lms_core.kernel.openapi import parameters, problems
from lms_core.kernel.openapi.examples import example_of
from lms_core.kernel.openapi.operations import Binary, Operation, operations
from lms_core.kernel.schemas import Schema, camel

_JSON, _FORM = "application/json", "multipart/form-data"
_MEANINGS = {200: "OK", 201: "Created", 202: "Accepted"}
_BYTES = {"type": "string", "format": "binary"}

_DESCRIPTION = """\
JSON with camelCase keys, UUIDs, RFC 3339 times in UTC. Errors are `application/problem+json` with a stable `code`;
each operation lists its codes by status. Sign in at `/api/v1/auth/login`; send the access token as a bearer token, or
use the cookies together with `X-CSRF-Token`. Single resources carry an `ETag`; send it as `If-Match` to be told when
somebody was faster. Every answer carries `X-Request-Id`; what a request sends under that name is kept.
"""

_SECURITY_SCHEMES = {
    "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": "The `accessToken` of login."},
    "cookie": {"type": "apiKey", "in": "cookie", "name": "lms_access", "description": "Set by login."},
    "csrf": {
        "type": "apiKey",
        "in": "header",
        "name": "X-CSRF-Token",
        "description": "The `csrfToken` of login, also in the cookie `lms_csrf`: needed with cookies to change things.",
    },
}


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
    teach_fields(marshmallow)
    spec.components.schema("Problem", dict(problems.PROBLEM))
    for name, scheme in _SECURITY_SCHEMES.items():
        spec.components.security_scheme(name, scheme)
    for name, shared in parameters.SHARED.items():
        spec.components.parameter(name, shared["in"], dict(shared))
    gathered: dict[str, dict[str, Any]] = {}
    for operation in operations(registry):
        gathered.setdefault(operation.path, {})[operation.method] = _describe(operation, spec, marshmallow.converter)
    for path, methods in sorted(gathered.items()):
        if "206" in methods.get("get", {}).get("responses", ()):
            methods.setdefault("head", _without_body(methods["get"]))
        named = [parameters.path_parameter(name) for name in re.findall(r"{(\w+)}", path)]
        spec.path(path=path, operations=methods, parameters=named)
    result: dict[str, Any] = spec.to_dict()
    return result


def _schema_name(schema: Any) -> str:
    """``ProfileSchema`` -> ``Profile``, and ``ProfileWithoutPermissions`` for one that leaves a field out."""
    if isinstance(schema, type):
        return schema.__name__.removesuffix("Schema")
    left_out = sorted(set(schema.exclude) - set(type(schema).Meta.__dict__.get("exclude", ())))
    suffix = "Without" + "".join(camel(f"_{name}") for name in left_out) if left_out else ""
    return type(schema).__name__.removesuffix("Schema") + suffix


def _describe(operation: Operation, spec: APISpec, converter: Any) -> dict[str, Any]:
    summary, _break, description = operation.doc.partition("\n")
    described: dict[str, Any] = {
        "operationId": camel(operation.name),
        "summary": summary.rstrip("."),
        "tags": list(operation.options.get("tags") or (operation.path.split("/")[3],)),
        "parameters": parameters.parameters(operation, converter),
        "responses": {**_answers(operation, converter), **_refusals(operation, spec)},
        "security": _security(operation),
    }
    if description.strip():
        described["description"] = re.sub(r"\n\s+", "\n", description.strip())
    if not operation.public:
        described["x-permission"] = operation.permission
    content = _body(operation)
    if content:
        described["requestBody"] = {"required": True, "content": content}
    return described


def _security(operation: Operation) -> list[dict[str, list[str]]]:
    cookie: dict[str, list[str]] = {"cookie": [], "csrf": []} if operation.unsafe else {"cookie": []}
    if not operation.public:
        return [{"bearer": []}, cookie]
    # What anybody may ask can still be asked with cookies, and then needs to be asked on purpose.
    return [{}, cookie] if "403 csrf_failed" in (operation.options.get("errors") or ()) else []


def _body(operation: Operation) -> dict[str, Any]:
    """What is sent, by media type: JSON (``body=``), a form (``form=``), bytes as they are (``consumes=``)."""
    options = operation.options
    content: dict[str, Any] = {}
    for kind, schema in ((_JSON, options.get("body")), (_FORM, options.get("form"))):
        if schema:
            content[kind] = {"schema": schema, "example": example_of(schema, sent=True)}
    return {**content, **{kind: {"schema": dict(_BYTES)} for kind in _words(options.get("consumes"))}}


_LINKED = {"schema": {"type": "object"}, "example": {"@context": ["https://www.w3.org/ns/credentials/v2"]}}
"""A document of linked data, whose shape its context's specification describes."""


def _answers(operation: Operation, converter: Any) -> dict[str, Any]:
    """What comes when all goes well: ``status=``, and what ``answers=`` names besides."""
    options = operation.options
    returns, produces = options.get("returns"), _words(options.get("produces"))
    status = options.get("status") or (200 if returns or options.get("many") or produces else 204)
    content = {kind: _LINKED if kind.endswith("ld+json") else {"schema": dict(_BYTES)} for kind in produces}
    if returns:
        content[_JSON] = _many(returns, options.get("many"))
    sent_along = dict(parameters.headers(options["answer_headers"], converter)) if options.get("answer_headers") else {}
    answer: dict[str, Any] = {"description": _MEANINGS.get(status, "Done")}
    if content:
        answer["content"] = content
    if status == 201:
        sent_along["Location"] = _header("Where the new thing is.", "https://lms.example.org/api/v1/...")
    if operation.on_item and operation.method == "get":
        sent_along["ETag"] = _header(
            "Its version, where it has one.", parameters.SHARED["IfMatch"]["schema"]["examples"][0]
        )
    if sent_along:
        answer["headers"] = sent_along
    further = {} if "ETag" not in sent_along else {304: "Nothing has changed since the version in `If-None-Match`."}
    further |= options.get("answers") or {}
    answers = {str(status): answer, **{str(other): _further(other, what) for other, what in further.items()}}
    if "206" in answers:
        part = _header("Which bytes these are, and of how many.", "bytes 0-65535/482133")
        answers["206"] |= {"content": content, "headers": {**sent_along, "Content-Range": part}}
    return answers


def _without_body(described: dict[str, Any]) -> dict[str, Any]:
    """The HEAD of a file: what its GET says of the whole, and nothing else."""
    answers = {status: answer for status, answer in described["responses"].items() if status not in ("206", "416")}
    whole = {name: value for name, value in answers["200"].items() if name != "content"}
    return {
        **described,
        "operationId": f"{described['operationId']}Head",
        "summary": f"{described['summary']}: the headers alone",
        "parameters": [each for each in described["parameters"] if each != "Range"],
        "responses": {**answers, "200": whole},
    }


def _further(status: int, what: str | type[Schema] | tuple[type[Schema], ...]) -> dict[str, Any]:
    """An answer besides: in words, or as a representation of its own, or as one of several."""
    if isinstance(what, str):
        return {"description": what}
    if isinstance(what, tuple):
        examples = {_schema_name(each): {"value": example_of(each, sent=False)} for each in what}
        content = {"schema": {"anyOf": list(what)}, "examples": examples}
        return {"description": _MEANINGS.get(status, "Done"), "content": {_JSON: content}}
    return {"description": _MEANINGS.get(status, "Done"), "content": {_JSON: _many(what, None)}}


def _header(description: str, example: str) -> dict[str, Any]:
    return {"description": description, "schema": {"type": "string"}, "example": example}


def _words(value: str | tuple[str, ...] | None) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else value or ()


def _refusals(operation: Operation, spec: APISpec) -> dict[str, Any]:
    refusals: dict[str, Any] = {}
    for status, codes in problems.problems(operation).items():
        name = problems.response_name(status, codes)
        if name not in spec.components.responses:
            spec.components.response(name, problems.response(status, codes))
        refusals[str(status)] = name
    return refusals


def _many(returns: type[Schema], many: str | None) -> dict[str, Any]:
    """The media type of one representation, or of a list of them."""
    one = example_of(returns, sent=False)
    if many is None:
        return {"schema": returns, "example": one}
    numbers = {"page": {"type": "integer"}, "limit": {"type": "integer"}, "total": {"type": "integer"}}
    beside: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
        "page": (
            {**numbers, "totalIsExact": {"type": "boolean"}}, {"page": 1, "limit": 20, "total": 1, "totalIsExact": True}
        ),
        "cursor": ({"next": {"type": ["string", "null"]}}, {"next": None}),
        "list": ({}, {}),
    }  # fmt: skip
    properties, values = beside[many]
    items = {"type": "array", "items": returns}
    return {
        "schema": {
            "type": "object", "properties": {"items": items, **properties}, "required": ["items", *properties],
        },
        "example": {"items": [one], **values},
    }  # fmt: skip


def teach_fields(plugin: Any) -> None:
    """How our own fields look in JSON Schema."""
    converter = plugin.converter
    converter.field_mapping[schemas.Timestamp] = ("string", "date-time")
    converter.field_mapping[schemas.Money] = ("string", "decimal")
    converter.field_mapping[schemas.Percentage] = ("number", None)
    converter.field_mapping[schemas.Number] = ("number", None)
    converter.field_mapping[fields.Raw] = (None, None)
    converter.field_mapping[Binary] = ("string", "binary")

    def part(_converter: Any, field: Any, **_kwargs: Any) -> dict[str, Any]:
        if isinstance(field, schemas.Part):
            inner: dict[str, Any] = converter.resolve_nested_schema(field.schema_class)
            return {"anyOf": [inner, {"type": "null"}]}
        return {}

    converter.add_attribute_function(part)
