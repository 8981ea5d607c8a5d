"""The parameters of an operation: in its path, its query string and its headers."""

import re
from collections.abc import Mapping
from typing import Any

from apispec.ext.marshmallow.openapi import OpenAPIConverter
from marshmallow import fields

from lms_core.kernel.openapi.examples import field_example, named_example
from lms_core.kernel.openapi.operations import Operation
from lms_core.kernel.schemas import Schema

SHARED: Mapping[str, dict[str, Any]] = {
    "AcceptLanguage": {
        "in": "header",
        "name": "Accept-Language",
        "schema": {"type": "string", "examples": ["de, en;q=0.5"]},
        "description": "The language of texts for people, for who has not chosen one in their profile.",
    },
    "IdempotencyKey": {
        "in": "header",
        "name": "Idempotency-Key",
        "schema": {"type": "string", "minLength": 1, "maxLength": 200, "examples": ["0f1c8f0e-enroll-1"]},
        "description": "Repeating the request with the same key gets the first answer and changes nothing.",
    },
    "IfMatch": {
        "in": "header",
        "name": "If-Match",
        "schema": {"type": "string", "examples": ['"5f2a1b3c4d5e6.0a1b2c3d4e5f6071"']},
        "description": "The `ETag` that was read: 412 where the thing has changed since.",
    },
    "IfNoneMatch": {
        "in": "header",
        "name": "If-None-Match",
        "schema": {"type": "string", "examples": ['"5f2a1b3c4d5e6.0a1b2c3d4e5f6071"']},
        "description": "The `ETag` of what one has already: 304 where nothing has changed since.",
    },
    "Range": {
        "in": "header",
        "name": "Range",
        "schema": {"type": "string", "examples": ["bytes=0-65535"]},
        "description": "Which bytes, for who has the others already (RFC 9110).",
    },
}
"""The parameters that many operations have, as components."""

_QUERY = {
    "page": "Which page, from 1.",
    "limit": "How many a page holds.",
    "cursor": "`next` of the last answer; without it the list begins.",
    "search": "Words to look for.",
    "sort": "The order of the list.",
}
"""What parameters mean that every list has."""


def path_parameter(name: str) -> dict[str, Any]:
    words = re.sub(r"(?<!^)(?=[A-Z])", " ", name).lower()
    if name.endswith("Number"):
        shape = {"type": "integer", "minimum": 1}
        return {
            "in": "path",
            "name": name,
            "required": True,
            "schema": shape,
            "description": f"The {words}.",
            "example": 1,
        }
    slug = name.endswith("IdOrSlug")
    thing = words.removesuffix(" or slug").removesuffix(" id")
    return {
        "in": "path",
        "name": name,
        "required": True,
        "schema": {"type": "string"} if slug else {"type": "string", "format": "uuid"},
        "description": f"The {'id or the slug' if slug else 'id'} of the {thing}.",
        "example": named_example(f"{thing.replace(' ', '_')}_id"),
    }


def parameters(operation: Operation, converter: OpenAPIConverter) -> list[Any]:
    """Those outside the path: names of shared ones, and descriptions of the others."""
    shared = ["AcceptLanguage"]
    if operation.idempotent:
        shared.append("IdempotencyKey")
    if operation.on_item and operation.unsafe:
        shared.append("IfMatch")
    if operation.on_item and operation.method == "get":
        shared.append("IfNoneMatch")
    options = operation.options
    if 206 in (options.get("answers") or {}):
        shared.append("Range")
    own = [
        each
        for location in ("query", "headers")
        if options.get(location)
        for each in _of_schema(options[location](), location.removesuffix("s"), converter)
    ]
    return [*own, *shared]


def _of_schema(schema: Schema, location: str, converter: OpenAPIConverter) -> list[dict[str, Any]]:
    described: list[dict[str, Any]] = converter.schema2parameters(schema, location=location)
    for parameter, (name, field) in zip(described, schema.load_fields.items(), strict=True):
        if location == "query":
            parameter.setdefault("description", _QUERY.get(name) or _filter(name, field))
        parameter["schema"].pop("example", None)
        example = field_example(name, field)
        if field.required:
            parameter |= {"required": True, "example": example}
        else:
            # Beside an optional parameter it would be what a page to try things in sends unasked.
            parameter["schema"]["examples"] = [example]
    return described


def _filter(name: str, field: fields.Field[Any]) -> str:
    """What a filter does that tells no more than its name does; others say ``metadata={"description": ...}``."""
    words = name.removeprefix("is_").replace("_", " ")
    if isinstance(field, fields.Boolean):
        return f"Only what is {words}; false: only what is not."
    if isinstance(field, fields.List):
        return f"Only what has one of these: {words}."
    for end, relation in (("min ", "at least"), ("max ", "at most")):
        if words.startswith(end):
            return f"Only what has this {words.removeprefix(end)}, {relation}."
    return f"Only what has this {words}."


def headers(schema: type[Schema], converter: OpenAPIConverter) -> dict[str, Any]:
    """The headers of an answer."""
    described = _of_schema(schema(), "header", converter)
    return {each.pop("name"): {key: value for key, value in each.items() if key != "in"} for each in described}
