"""Schemas: what they accept, and that the compiled dump is the schema's own."""

import datetime as dt
import importlib
import json
import pkgutil
import uuid
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import orjson
import pytest
from marshmallow import fields

import lms_core
from lms_core.kernel import schemas
from lms_core.kernel.errors import Invalid
from lms_core.kernel.views import JSON_OPTIONS


def _every_schema() -> list[type[schemas.Schema]]:
    for module in pkgutil.walk_packages(lms_core.__path__, "lms_core."):
        if module.name.endswith("schemas") or module.name.endswith("views"):
            importlib.import_module(module.name)

    def below(kind: type) -> list[type]:
        return [kind, *(deeper for child in kind.__subclasses__() for deeper in below(child))]

    return sorted(set(below(schemas.Schema)), key=lambda kind: (kind.__module__, kind.__qualname__))


SAMPLES: dict[type, Any] = {
    fields.UUID: uuid.UUID("5f0c6f4e-6c8e-4b0e-9d54-0c1f2f1f7d6a"),
    fields.Integer: 7,
    fields.Float: 1.5,
    fields.Boolean: True,
    schemas.Timestamp: dt.datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=dt.UTC),
    fields.Date: dt.date(2026, 1, 2),
    schemas.Money: Decimal("12.5"),
    schemas.Percentage: Decimal("33.33"),
    schemas.Number: Decimal("4.00"),
    fields.Raw: {"some": ["json"]},
    fields.Dict: {"a": 1},
}


def _sample(field: Any) -> Any:
    if isinstance(field, fields.List):
        return [_sample(field.inner)]
    if isinstance(field, schemas.Written):
        return {"some": ["json"]}
    if isinstance(field, fields.Nested):
        return _row(field.schema)
    return SAMPLES.get(type(field), "https://example.org/ä")


def _row(schema: Any, prefix: str = "") -> SimpleNamespace:
    row = SimpleNamespace()
    for name, field in schema.dump_fields.items():
        if isinstance(field, schemas.Part):
            vars(row).update(vars(_row(field.schema_class(), prefix + field.prefix)))
        else:
            setattr(row, prefix + (field.attribute or name), _sample(field))
    return row


@pytest.mark.parametrize("kind", _every_schema(), ids=lambda kind: kind.__qualname__)
@pytest.mark.parametrize("filled", [True, False])
def test_the_compiled_dump_is_the_schemas_own(kind, filled):
    schema = kind()
    row = _row(schema)
    if not filled:
        row = SimpleNamespace(**dict.fromkeys(vars(row)))
    of_row, of_mapping = schemas.compile_dump(schema)
    slow = json.loads(orjson.dumps(schema.dump(row), option=JSON_OPTIONS, default=str))
    assert json.loads(orjson.dumps(of_row(row), option=JSON_OPTIONS)) == slow
    assert json.loads(orjson.dumps(of_mapping(vars(row)), option=JSON_OPTIONS)) == slow


class Person(schemas.Schema):
    first_name = schemas.Text(min=1, max=5, required=True)
    bio = schemas.Text(max=20, multiline=True)
    born_at = schemas.Timestamp()


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "firstName"),
        ({"firstName": "x", "first_name": "y"}, "first_name"),
        ({"firstName": "toolong"}, "firstName"),
        ({"firstName": "   "}, "firstName"),
        ({"firstName": "a\x00"}, "firstName"),
        ({"firstName": "a\nb"}, "firstName"),
        ({"firstName": 3}, "firstName"),
        ({"firstName": "x", "bornAt": "2026-01-01T00:00:00"}, "bornAt"),
        ([], "_schema"),
    ],
)
def test_what_does_not_fit_is_named(body, field):
    with pytest.raises(Invalid) as refused:
        schemas.load(Person(), body)
    assert list(refused.value.errors) == [field]


def test_text_is_trimmed_and_times_become_utc():
    loaded = schemas.load(Person(), {"firstName": " Ann ", "bio": "a\nb", "bornAt": "2026-01-01T02:00:00+02:00"})
    assert loaded == {"first_name": "Ann", "bio": "a\nb", "born_at": dt.datetime(2026, 1, 1, tzinfo=dt.UTC)}


def test_percentages_are_numbers_and_money_is_text():
    class Sum(schemas.Schema):
        done = schemas.Percentage()
        price = schemas.Money()

    assert Sum().dump({"done": Decimal("100.00"), "price": Decimal("5")}) == {"done": 100, "price": "5.00"}
    assert Sum().dump({"done": Decimal("33.33"), "price": None}) == {"done": 33.33, "price": None}


class Words(schemas.Schema):
    line = schemas.Text(max=100)
    text = schemas.Text(max=100, multiline=True)
    tags = fields.List(schemas.Text(max=100))


CONTROLS = [chr(code) for code in (*range(9), 11, 12, *range(14, 32), *range(0x7F, 0xA0))]
BREAKS = ["\t", "\n", "\r", "\u2028", "\u2029"]
TURNS = [chr(code) for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A))]
TOLD = {
    "Control characters are not allowed.": [*CONTROLS, *BREAKS],
    "Characters that turn the direction of text are not allowed.": TURNS,
}


@pytest.mark.parametrize(("message", "char"), [(message, char) for message, chars in TOLD.items() for char in chars])
def test_a_line_neither_controls_nor_turns_what_stands_beside_it(message, char):
    for sent in ({"line": f"cod{char}txt"}, {"tags": ["fine", f"cod{char}txt"]}):
        with pytest.raises(Invalid) as refused:
            schemas.load(Words(), sent)
        assert refused.value.code == "invalid"
        [messages] = refused.value.errors.values()
        assert (messages[1] if isinstance(messages, dict) else messages) == [message]


def test_a_text_has_lines_and_tabs_and_no_other_control_characters():
    for char in CONTROLS:
        with pytest.raises(Invalid):
            schemas.load(Words(), {"text": f"one{char}two"})
    written = "".join(f"word{char}" for char in (*BREAKS, *TURNS)) + "end"
    assert schemas.load(Words(), {"text": written}) == {"text": written}


@pytest.mark.parametrize(
    "written",
    [
        "\u05d1\u05e8\u05d0\u05e9\u05d9\u05ea\u200f (Genesis)",  # A mark that keeps the bracket on its side.
        "\u061cC++\u200e \u0644\u0644\u0645\u0628\u062a\u062f\u0626\u064a\u0646",
        "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",  # Persian is spelled with a non-joiner,
        "\u0915\u094d\u200d\u0937",  # Hindi with a joiner,
        "\U0001f469\u200d\U0001f52c \U0001f3f3\ufe0f\u200d\U0001f308",  # and so are pictures of people and flags.
        "\u0e20\u0e32\u0e29\u0e32\u200b\u0e44\u0e17\u0e22",  # Thai may end words so.
        "soft\u00adhyphen",
    ],
)
def test_every_script_can_be_written(written):
    assert schemas.load(Words(), {"line": written, "text": written}) == {"line": written, "text": written}
