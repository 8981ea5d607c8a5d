"""One marshmallow schema per representation, for load, dump and OpenAPI; and its dump compiled to a function.

``Schema`` turns ``snake_case`` attributes into ``camelCase`` keys and refuses unknown fields. The compiled dump
reads what orjson writes natively straight off the row; any other field is asked to serialize.
"""

import copy
import datetime as dt
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

import marshmallow
from marshmallow import ValidationError, fields
from pyramid.i18n import TranslationString

from lms_core.kernel.errors import invalid_fields
from lms_core.kernel.i18n import _
from lms_core.kernel.texts import BREAK, CONTROL, TURN, VISIBLE

Dump = Callable[[Any], dict[str, Any]]


def camel(name: str) -> str:
    """``first_name`` -> ``firstName``."""
    return re.sub(r"_([a-z0-9])", lambda found: found[1].upper(), name)


class _Wording(TranslationString):  # type: ignore[misc]  # Pyramid carries no types.
    """A message that marshmallow fills in by ``format``, and that stays translatable afterwards."""

    def format(self, *args: Any, **values: Any) -> TranslationString:
        return self % values


_LIBRARY: Mapping[Any, _Wording] = {
    wording.replace("${", "{"): _Wording(wording)
    for wording in (
        _("Missing data for required field."),
        _("Field may not be null."),
        _("Invalid value."),
        _("Invalid type."),
        _("Not a valid string."),
        _("Not a valid utf-8 string."),
        _("Not a valid boolean."),
        _("Not a valid number."),
        _("Not a valid integer."),
        _("Number too large."),
        _("Special numeric values (nan or infinity) are not permitted."),
        _("Not a valid date."),
        _("Not a valid UUID."),
        _("Not a valid URL."),
        _("Not a valid list."),
        _("Not a valid mapping type."),
        _("Must be greater than ${min}."),
        _("Must be greater than or equal to ${min}."),
        _("Must be less than or equal to ${max}."),
        _("Must be greater than ${min} and less than or equal to ${max}."),
        _("Must be greater than or equal to ${min} and less than or equal to ${max}."),
        _("Shorter than minimum length ${min}."),
        _("Longer than maximum length ${max}."),
        _("Length must be between ${min} and ${max}."),
        _("Must be one of: ${choices}."),
        _("String does not match expected pattern."),
    )
}
"""The library's own messages, which know no languages, and the same in translatable form."""


def _reworded(validator: Any) -> Any:
    worded = copy.copy(validator)
    for name in ("error", "message_min", "message_max", "message_all"):
        wording = _LIBRARY.get(getattr(worded, name, None))
        if wording is not None:
            setattr(worded, name, wording)
    return worded


class _Itself(set[object]):
    """A boolean and nothing that equals it, as 1 does True."""

    def __contains__(self, value: object) -> bool:
        return isinstance(value, bool) and super().__contains__(value)


def _prepare(field: fields.Field[Any]) -> None:
    """Give a bound field, which is its schema's own copy, messages that can be translated; booleans are JSON's."""
    field.error_messages = {key: _LIBRARY.get(own, own) for key, own in field.error_messages.items()}
    field.validators = [_reworded(validator) for validator in field.validators]
    if isinstance(field, fields.Boolean):
        field.truthy, field.falsy = _Itself({True}), _Itself({False})
    if isinstance(field, fields.List):
        _prepare(field.inner)
    if isinstance(field, fields.Dict) and field.value_field is not None:
        _prepare(field.value_field)


def boolean_of(word: str) -> bool | str:
    """What a word of a query string means; the word itself, where that is neither true nor false."""
    return True if word in fields.Boolean.truthy else False if word in fields.Boolean.falsy else word


class Schema(marshmallow.Schema):
    """The base of every representation."""

    class Meta:
        unknown = marshmallow.RAISE

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.error_messages |= {"unknown": _("Unknown field."), "type": _("Not an object.")}

    def on_bind_field(self, field_name: str, field_obj: fields.Field[Any]) -> None:
        if field_obj.data_key is None:
            field_obj.data_key = camel(field_name)
        _prepare(field_obj)


class Text(fields.String):
    """A line or a text a person wrote: trimmed, of bounded length, without control characters.

    One in which nobody could see anything is empty. A line has no tabs either, and nothing that turns the direction of
    what stands beside it.
    """

    def __init__(self, *, max: int, min: int = 0, multiline: bool = False, **kwargs: Any) -> None:  # noqa: A002
        bounds = {"maxLength": max, **({"minLength": min} if min else {})}
        super().__init__(metadata={**bounds, **kwargs.pop("metadata", {})}, **kwargs)
        self.max, self.min, self.multiline = max, min, multiline

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text: str = super()._deserialize(value, attr, data, **kwargs).strip()
        if not VISIBLE.search(text):
            text = ""
        if len(text) > self.max:
            raise ValidationError(_("Longer than ${max} characters.", mapping={"max": self.max}))
        if len(text) < self.min:
            raise ValidationError(
                _("Must not be empty.")
                if self.min == 1
                else _("Shorter than ${min} characters.", mapping={"min": self.min})
            )
        if CONTROL.search(text) or (not self.multiline and BREAK.search(text)):
            raise ValidationError(_("Control characters are not allowed."))
        if not self.multiline and TURN.search(text):
            raise ValidationError(_("Characters that turn the direction of text are not allowed."))
        return text


class Timestamp(fields.AwareDateTime):
    """RFC 3339 in UTC with ``Z``, as orjson writes it; a loaded time needs an offset."""

    default_error_messages = dict.fromkeys(
        ("invalid", "invalid_awareness"), _Wording(_("Not a time with its offset, such as 2026-01-31T12:00:00Z."))
    )

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(format="iso", **kwargs)

    def _serialize(self, value: dt.datetime | None, attr: str | None, obj: Any, **kwargs: Any) -> str | None:
        return None if value is None else value.astimezone(dt.UTC).isoformat().replace("+00:00", "Z")

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> dt.datetime:
        moment: dt.datetime = super()._deserialize(value, attr, data, **kwargs)
        try:
            return moment.astimezone(dt.UTC)
        except OverflowError:  # Its offset takes it out of the years that there are.
            raise self.make_error("invalid") from None


class Money(fields.Decimal):
    """An amount as a decimal string with two places; its currency stands beside it.

    Nobody's price is rounded: one of more places is refused.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(places=2, as_string=True, allow_nan=False, **kwargs)

    def _serialize(self, value: Decimal | None, attr: str | None, obj: Any, **kwargs: Any) -> str | None:
        return None if value is None else f"{value:.2f}"

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Decimal:
        amount: Decimal = super()._deserialize(value, attr, data, **kwargs)
        if amount != Decimal(str(value)):
            raise ValidationError(_("No more than two decimals."))
        return amount


class Percentage(fields.Field[Decimal]):
    """0 to 100, as a JSON number: whole where it is whole."""

    def _serialize(self, value: Decimal | None, attr: str | None, obj: Any, **kwargs: Any) -> float | int | None:
        if value is None:
            return None
        return int(value) if value == int(value) else float(value)


class Number(Percentage):
    """A numeric column (points, averages) as a JSON number."""


class Written(fields.Nested):
    """What is JSON already, of the shape that the nested schema tells; parts may be ``orjson.Fragment``.

    For what is too large to be made anew with each answer.
    """

    def __init__(self, nested: type[Schema], **kwargs: Any) -> None:
        super().__init__(nested, dump_only=True, **kwargs)

    # The library calls the value by different names itself.
    def _serialize(self, nested_obj: Any, attr: Any, obj: Any, **kwargs: Any) -> Any:  # type: ignore[override]
        return nested_obj


class Part(fields.Field[Any]):
    """An object made of the same row's columns that share a prefix: ``Part(PersonSchema, "instructor_")``.

    Null where the column behind the schema's first field is null.
    """

    def __init__(self, schema: type[Schema], prefix: str, **kwargs: Any) -> None:
        super().__init__(dump_only=True, **kwargs)
        self.schema_class, self.prefix = schema, prefix

    def serialize(self, attr: str, obj: Any, accessor: Any = None, **kwargs: Any) -> Any:
        row = _Prefixed(obj, self.prefix)
        schema = self.schema_class()
        if getattr(row, _first_attribute(schema)) is None:
            return None
        return schema.dump(row)


def _first_attribute(schema: Schema) -> str:
    """Where it is null, the whole object is."""
    name, field = next(iter(schema.dump_fields.items()))
    return field.attribute or name


class _Prefixed:
    __slots__ = ("_prefix", "_row")

    def __init__(self, row: Any, prefix: str) -> None:
        self._row, self._prefix = row, prefix

    def __getattr__(self, name: str) -> Any:
        return _get(self._row, self._prefix + name)


_NATIVE = (fields.String, fields.UUID, fields.Boolean, Timestamp, fields.Raw, fields.Dict)
"""Fields whose values orjson writes as the schema would."""
_NATIVE_EXACT = (fields.Integer, fields.Date, fields.Email, fields.Url)


def _get(source: Any, name: str) -> Any:
    if isinstance(source, Mapping):
        return source.get(name)
    return getattr(source, name, None)


def _is_native(field: fields.Field[Any]) -> bool:
    if type(field) in _NATIVE_EXACT or type(field) in (Text, *_NATIVE):
        return True
    return isinstance(field, fields.List) and _is_native(field.inner)


def compile_dump(schema: Schema) -> tuple[Dump, Dump]:
    """The schema's dump as plain functions: one for rows and objects (attributes), one for mappings.

    Equal to ``schema.dump`` once both are written as JSON; a test holds them equal for every schema.
    """
    return _compile(schema, "getattr"), _compile(schema, "item")


def _compile(schema: Schema, access: str) -> Dump:
    scope: dict[str, Any] = {}
    entries: list[str] = []
    _entries(schema, "", access, scope, entries)
    source = "def dump(row):\n    return {" + ", ".join(entries) + "}\n"
    exec(compile(source, f"<dump of {type(schema).__name__}>", "exec"), scope)  # noqa: S102  # Made of names in schemas.
    dump: Dump = scope["dump"]
    return dump


def _read(access: str, name: str) -> str:
    return f"row.{name}" if access == "getattr" else f"row.get({name!r})"


def _entries(schema: Schema, prefix: str, access: str, scope: dict[str, Any], entries: list[str]) -> None:
    for name, field in schema.dump_fields.items():
        attribute = prefix + (field.attribute or name)
        key = field.data_key or name
        if isinstance(field, Part):
            inner: list[str] = []
            part = field.schema_class()
            _entries(part, prefix + field.prefix, access, scope, inner)
            probe = _read(access, prefix + field.prefix + _first_attribute(part))
            entries.append(f"{key!r}: {{{', '.join(inner)}}} if {probe} is not None else None")
        elif _is_native(field):
            entries.append(f"{key!r}: {_read(access, attribute)}")
        elif isinstance(field, fields.Method | fields.Function):
            scope[f"f{len(scope)}"] = field.serialize
            entries.append(f"{key!r}: f{len(scope) - 1}({name!r}, row)")
        else:
            slot = f"f{len(scope)}"
            scope[slot] = field._serialize
            entries.append(f"{key!r}: {slot}({_read(access, attribute)}, {name!r}, row)")


def load(schema: Schema, data: Any) -> dict[str, Any]:
    """The loaded values. Raises 422 ``invalid`` with messages by field."""
    try:
        loaded: dict[str, Any] = schema.load(data)
    except ValidationError as error:
        raise invalid_fields(_messages(error)) from None
    return loaded


def load_json(schema: Schema, data: Any) -> dict[str, Any]:
    """What the schema loads, as JSON again: clean, and no more than was sent. Raises as :func:`load` does."""
    loaded = load(schema, data)
    given = ((name, field) for name, field in schema.load_fields.items() if (field.attribute or name) in loaded)
    return {field.data_key or name: field.serialize(name, loaded) for name, field in given}


def _messages(error: ValidationError) -> Any:
    return error.messages if isinstance(error.messages, dict) else {"_schema": error.messages}
