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
