"""A schema by itself as JSON Schema, for a client that builds a form of it."""

from collections.abc import Callable
from typing import Any

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from pyramid.i18n import TranslationString

from lms_core.kernel.openapi.document import teach_fields
from lms_core.kernel.schemas import Schema

_COMPONENTS, _DEFINITIONS = "#/components/schemas/", "#/$defs/"


def json_schema(schema: type[Schema], translate: Callable[[str], str]) -> dict[str, Any]:
    """JSON Schema (2020-12) of the object that the schema loads and dumps; nested schemas are below ``$defs``.

    Titles and descriptions in the fields' metadata may be translatable; ``dump_only`` fields are ``readOnly``.
    """
    marshmallow = MarshmallowPlugin()
    spec = APISpec(title="", version="", openapi_version="3.1.0", plugins=[marshmallow])
    teach_fields(marshmallow)
    converter: Any = marshmallow.converter  # There since the plugin has been given to the spec.
    described: dict[str, Any] = converter.schema2jsonschema(schema())
    if spec.components.schemas:
        described["$defs"] = spec.components.schemas
    plain: dict[str, Any] = _plain(described, translate)
    return plain


def _plain(value: Any, translate: Callable[[str], str]) -> Any:
    if isinstance(value, dict):
        return {key: _plain(each, translate) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each, translate) for each in value]
    if isinstance(value, TranslationString):
        return translate(value)
    if isinstance(value, str) and value.startswith(_COMPONENTS):
        return _DEFINITIONS + value.removeprefix(_COMPONENTS)
    return value
