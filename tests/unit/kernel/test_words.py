"""Words: the catalogs hold every message and nothing else, and what the library says can be translated too."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po
from marshmallow import fields, validate
from pyramid.i18n import TranslationString

from lms_core.kernel import schemas
from lms_core.kernel.errors import Invalid
from lms_core.kernel.i18n import Catalogs

from .test_schemas import _every_schema

HOME = Path(__file__).parents[3]
UNSAID = {"format", "invalid_awareness"}
"""Keys of messages about dumping, and about times without an offset where the field is no time."""
PLACEHOLDER = re.compile(r"\$\{\w+\}|%\(\w+\)s|%%")
CATALOGS = sorted((HOME / "lms_core" / "locale").glob("*/lms.po"))


@pytest.fixture(scope="module")
def said() -> Catalog:
    """What the code and the templates say, extracted as `make words` does."""
    mappings = tomllib.loads((HOME / "pyproject.toml").read_text())["tool"]["babel"]["mappings"]
    methods = [(pattern, mapping["method"]) for mapping in mappings for pattern in mapping["pattern"]]
    options = {
        pattern: {name: value for name, value in mapping.items() if name not in ("method", "pattern")}
        for mapping in mappings
        for pattern in mapping["pattern"]
    }
    catalog = Catalog()
    for folder in ("lms_core", "plugins"):
        inside = [(pattern.removeprefix(f"{folder}/"), method) for pattern, method in methods if folder in pattern]
        known = {pattern.removeprefix(f"{folder}/"): value for pattern, value in options.items() if folder in pattern}
        for name, _line, message, _comments, context in extract_from_dir(HOME / folder, inside, known):
            catalog.add(message, context=context, locations=[(f"{folder}/{name}", None)])
    return catalog


def _forms(message: Message) -> Iterator[str]:
    yield from [message.string] if isinstance(message.string, str) else message.string


def _read(source: Path) -> Catalog:
    with source.open("rb") as file:
        return read_po(file, locale=source.parent.name, abort_invalid=True)


def test_there_is_german() -> None:
    assert [source.parent.name for source in CATALOGS] == ["de"]


@pytest.mark.parametrize("source", CATALOGS, ids=lambda source: source.parent.name)
def test_a_catalog_is_complete(source: Path, said: Catalog) -> None:
    catalog = _read(source)
    written = {message.id for message in catalog if message.id}

    assert len(written) > 100
    assert sorted(map(str, {message.id for message in said if message.id} ^ written)) == [], "run `make words`"
    assert list(catalog.obsolete) == []
    assert [message.id for message in catalog if message.id and message.fuzzy] == []
    assert [message.id for message in catalog if message.id and not all(_forms(message))] == []


@pytest.mark.parametrize("source", CATALOGS, ids=lambda source: source.parent.name)
def test_placeholders_stay(source: Path) -> None:
    for message in _read(source):
        if message.id:
            singular = message.id if isinstance(message.id, str) else message.id[-1]
            for form in _forms(message):
                assert sorted(PLACEHOLDER.findall(form)) == sorted(PLACEHOLDER.findall(singular)), form


def test_words_of_both_kinds_of_source_are_found(said: Catalog) -> None:
    places = {message.id: [name for name, _line in message.locations] for message in said}
    assert places["Set a new password"] == [
        "lms_core/accounts/pages/templates/reset_password.html",
        "lms_core/accounts/templates/reset_password.html",
        "lms_core/accounts/templates/reset_password.txt",
    ]
    assert places["Missing data for required field."] == ["lms_core/kernel/schemas.py"]
    assert "plugins/importer_common_cartridge/__init__.py" in places["IMS Common Cartridge"]


def _bound(field: Any) -> Iterator[Any]:
    yield field
    if isinstance(field, fields.List):
        yield from _bound(field.inner)


@pytest.mark.parametrize("kind", _every_schema(), ids=lambda kind: kind.__qualname__)
def test_no_message_of_the_library_is_left_in_english(kind: type[schemas.Schema]) -> None:
    for field in (inner for outer in kind().load_fields.values() for inner in _bound(outer)):
        for key, message in field.error_messages.items():
            assert key in UNSAID or isinstance(message, TranslationString), (field, message)
        for message in (said for validator in field.validators for said in _sayings(validator)):
            assert isinstance(message, TranslationString), (field, message)


def _sayings(validator: Any) -> tuple[str, ...]:
    """What a validator of the library may say; a function of ours makes its own messages."""
    if isinstance(validator, validate.Range | validate.Length) and not validator.error:
        return (validator.message_min, validator.message_max, validator.message_all)
    return (validator.error,) if isinstance(validator, validate.Validator) else ()


class Form(schemas.Schema):
    name = fields.String(required=True)
    seats = fields.Integer(validate=validate.Range(1, 9))
    price = schemas.Money(validate=validate.Range(0))
    level = fields.String(validate=validate.OneOf(("low", "high")))
    code = fields.String(validate=[validate.Length(max=3), validate.Regexp(r"[a-z]*\Z")])
    page = fields.Url(schemes={"https"})
    tags = fields.List(fields.String(validate=validate.Length(2, 3)))
    at = schemas.Timestamp()


@pytest.mark.parametrize(
    ("body", "english", "german"),
    [
        ({}, "Missing data for required field.", "Pflichtfeld fehlt."),
        ({"name": None}, "Field may not be null.", "Das Feld darf nicht null sein."),
        ({"seats": 0}, "Must be greater than or equal to 1 and less than or equal to 9.",
         "Muss zwischen 1 und 9 liegen."),
        ({"seats": "x"}, "Not a valid integer.", "Keine gültige ganze Zahl."),
        ({"price": "-1"}, "Must be greater than or equal to 0.", "Muss mindestens 0 sein."),
        ({"level": "${choices} {input}"}, "Must be one of: low, high.", "Muss einer dieser Werte sein: low, high."),
        ({"code": "abcd"}, "Longer than maximum length 3.", "Länger als die Höchstlänge 3."),
        ({"code": "A"}, "String does not match expected pattern.",
         "Der Text entspricht nicht dem erwarteten Muster."),
        ({"page": "ftp://x"}, "Not a valid URL.", "Keine gültige URL."),
        ({"tags": ["abcd"]}, "Length must be between 2 and 3.", "Die Länge muss zwischen 2 und 3 liegen."),
        ({"at": "2026-01-01T00:00:00"}, "Not a time with its offset, such as 2026-01-31T12:00:00Z.",
         "Kein Zeitpunkt mit Zeitverschiebung wie 2026-01-31T12:00:00Z."),
    ],
)  # fmt: skip
def test_what_the_library_says_is_said_in_german(body: dict[str, Any], english: str, german: str) -> None:
    with pytest.raises(Invalid) as refused:
        schemas.load(Form(), {"name": "x", **body} if body else body)
    [found] = (refused.value.errors or {}).values()
    [message] = found[0] if isinstance(found, dict) else found

    words = Catalogs()
    assert words.localizer("en").translate(message) == english
    assert words.localizer("de-AT").translate(message) == german


def test_declared_validators_stay_the_librarys() -> None:
    Form()
    [declared] = Form._declared_fields["level"].validators
    assert declared.error == "Must be one of: {choices}."
