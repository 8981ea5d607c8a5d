"""The conformance suite of ``lms_content_types``: what every content type owes the core and whoever reads a lesson.

Subclass it in a test module, say which type and give it examples; pytest runs the rest::

    class TestMine(ContentTypeConformance):
        @pytest.fixture
        def content_type(self) -> ContentType:
            return MyType()

        @pytest.fixture
        def examples(self) -> list[Content]:
            return [{"url": "https://example.org/"}]

A type whose content names files gives those by ``originals``: the bytes of each, by its id.
"""

import json
import re
import tempfile
import uuid
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

import lms_core
from lms_core.courses.content.service import Made, check_criteria, derived_fields, make
from lms_core.courses.content.types import Content, ContentContext, ContentFile, ContentType, Evidence
from lms_core.courses.content.workshop import CannotProcess, Workshop
from lms_core.courses.html import sanitize
from lms_core.files.kinds import HEAD, detect
from lms_core.kernel.confined import ProgramError, run_confined
from lms_core.kernel.errors import Invalid
from lms_core.kernel.openapi import json_schema
from lms_core.settings import Settings
from lms_core.testing.watching import reading

HOSTILE = (
    "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", '"><svg onload=alert(1)>', "javascript:alert(1)",
    " java\tscript:alert(1)", "data:text/html,<script>alert(1)</script>", "vbscript:x", "//evil.example/x",
    "https://evil.example@example.org\\@evil.example/", "file:///etc/passwd", "http://169.254.169.254/", "\x00",
    "\x1b[2J", "x" * 1_000_001, "../../etc/passwd", "00000000-0000-0000-0000-000000000000", "",
)  # fmt: skip
STRANGE: tuple[Any, ...] = (None, True, -1, 10**30, 1.5, [], {}, [[]], {"$ref": "#"}, ["x"] * 10_000)

_NAME = re.compile(r"[a-z_]{1,50}")
_REFUSED = re.compile(r"[a-z][a-z0-9_]*")
_WEB = re.compile(r"https?://[^\s<>\"]+")
_BOUNDS: Mapping[str, Collection[str]] = MappingProxyType({
    "string": ("maxLength",), "integer": ("minimum", "maximum"), "number": ("minimum", "maximum"),
    "array": ("maxItems",),
})  # fmt: skip
_BOUNDED_FORMATS = frozenset({"uuid", "date", "date-time"})

_EVERYTHING = Evidence(seconds=86_400, seen=100, extent=100, finished=True, score=Decimal(100))
_NOTHING = Evidence(extent=100)
_UNMEASURED = Evidence(seconds=86_400, seen=1, finished=True, score=Decimal(100))
_EVIDENCE = (_EVERYTHING, _NOTHING, _UNMEASURED, Evidence())

Path_ = tuple[str | int, ...]


class Bench(Workshop):
    """A workshop over files in memory; what is kept is remembered, and nothing is stored."""

    def __init__(self, settings: Settings, originals: Mapping[uuid.UUID, bytes], folder: Path) -> None:
        self.folder = folder
        self.kept: list[ContentFile] = []
        self._own = settings
        self._originals = originals

    @property
    def settings(self) -> Settings:
        return self._own

    def fetch(self, file_id: str) -> Path:
        if uuid.UUID(file_id) not in self._originals:
            raise CannotProcess("file_gone")
        path = self.folder / file_id
        path.write_bytes(self._originals[uuid.UUID(file_id)])
        return path

    def run(self, *command: str, seconds: float = 60, memory: int = 1 << 30, output: int = 16 << 20) -> bytes:
        try:
            return run_confined(command, folder=self.folder, seconds=seconds, memory=memory, output=output)
        except ProgramError as error:
            raise CannotProcess(error.problem) from error

    def keep(self, source_id: str, role: str, path: Path, name: str) -> str:
        made = uuid.uuid5(uuid.UUID(source_id), role)
        data = path.read_bytes()
        self.kept.append(ContentFile(made, name, len(data), detect(data[:HEAD])))
        return str(made)


class ContentTypeConformance:
    """``content_type`` and ``examples`` are the author's to give, and ``originals`` where there are files."""

    @pytest.fixture
    def content_type(self) -> ContentType:
        raise NotImplementedError("override the fixture `content_type`: the type under test")

    @pytest.fixture
    def examples(self) -> list[Content]:
        raise NotImplementedError("override the fixture `examples`: sound contents that use every field between them")

    @pytest.fixture
    def originals(self) -> Mapping[uuid.UUID, bytes]:
        """The bytes of the files that the examples name, by their ids."""
        return {}

    @pytest.fixture
    def content_settings(self) -> Settings:
        """The settings of every installed plugin, as they are unless somebody changes them."""
        return installed_settings()

    @pytest.fixture
    def context(
        self, content_settings: Settings, originals: Mapping[uuid.UUID, bytes]
    ) -> Callable[..., ContentContext]:
        """``context()``: all files may be used; by its arguments they are of another type, or infected, or gone."""
        files = {key: ContentFile(key, "A file", len(data), detect(data[:HEAD])) for key, data in originals.items()}

        def make_context(*, mime_type: str | None = None, infected: bool = False, gone: bool = False) -> ContentContext:
            def find(file_ids: Collection[uuid.UUID]) -> Iterator[ContentFile]:
                for file in () if gone else (files[key] for key in file_ids if key in files):
                    yield ContentFile(file.id, file.name, file.size, mime_type or file.mime_type, infected)

            return ContentContext(content_settings, find)

        return make_context

    # What it says of itself.

    def test_it_has_a_name_and_a_title(self, content_type: ContentType) -> None:
        assert _NAME.fullmatch(content_type.name), "the name: lower-case letters and underscores"
        assert str(content_type.title).strip()

    def test_every_field_has_limits_and_a_title(self, content_type: ContentType) -> None:
        for schema in (content_type.schema, content_type.criteria):
            described = json_schema(schema, str)
            check_fields(described, described.get("$defs", {}), content_type.name)

    def test_the_examples_use_every_field(self, content_type: ContentType, examples: list[Content]) -> None:
        keys = {field.data_key for field in content_type.schema().load_fields.values()}
        assert {key for example in examples for key in example} == keys

    def test_what_is_processed_is_content(self, content_type: ContentType) -> None:
        known = {field.data_key for field in content_type.schema().fields.values()}
        assert set(content_type.processed) <= known

    # Completing.

    @pytest.fixture
    def strictest(self, content_type: ContentType) -> Content:
        """Every criterion, each asking for as much as it can: numbers their most, flags that it be so."""
        shapes = json_schema(content_type.criteria, str).get("properties", {})
        return {name: True if shape["type"] == "boolean" else shape["maximum"] for name, shape in shapes.items()}

    def test_what_it_counts_it_can_measure(
        self, content_type: ContentType, examples: list[Content], context: Callable[..., ContentContext]
    ) -> None:
        known = {field.data_key for field in content_type.schema().fields.values()}
        assert set(content_type.measured) <= known
        assert content_type.parts or not content_type.measured, "what is measured has parts"
        assert content_type.pace is None or content_type.pace > 0
        for content in ({}, *(prepared(content_type, example, context()).content for example in examples)):
            extent = content_type.extent({key: content[key] for key in content_type.measured if key in content})
            assert extent is None or (isinstance(extent, int) and extent >= 0)
            assert content_type.parts or extent is None

    def test_nothing_is_lacking_where_nothing_is_asked(self, content_type: ContentType) -> None:
        for evidence in _EVIDENCE:
            assert list(content_type.lacking({}, evidence)) == []

    def test_who_has_done_everything_lacks_nothing(self, content_type: ContentType, strictest: Content) -> None:
        assert check_criteria(content_type, strictest) == strictest
        assert list(content_type.lacking(strictest, _EVERYTHING)) == []

    def test_who_has_done_nothing_lacks_each_criterion(self, content_type: ContentType, strictest: Content) -> None:
        for name, needed in strictest.items():
            [lack] = content_type.lacking({name: needed}, _NOTHING)
            assert (lack.criterion, lack.needed) == (name, needed)
            assert json.loads(json.dumps(lack.reached)) == lack.reached, "what was reached is plain JSON"

    def test_nobody_is_held_up_by_what_cannot_be_told(self, content_type: ContentType, strictest: Content) -> None:
        """Nobody knows how long the recording is, or how many pages there are."""
        assert list(content_type.lacking(strictest, _UNMEASURED)) == []

    def test_what_is_asked_can_be_told_once_it_is_measured(
        self, content_type: ContentType, examples: list[Content], context: Callable[..., ContentContext],
        strictest: Content,
    ) -> None:  # fmt: skip
        for example in examples:
            content = prepared(content_type, example, context()).content
            assert content_type.can_tell({}, content) is True
            for criterion, needed in strictest.items():
                told = content_type.can_tell({criterion: needed}, content)
                assert told is True or (told is False and content_type.extent(content) is None)

    # Preparing.

    def test_an_example_is_prepared(
        self, content_type: ContentType, examples: list[Content], context: Callable[..., ContentContext]
    ) -> None:
        for example in examples:
            before = json.dumps(example)
            made = prepared(content_type, example, context())
            assert json.dumps(example) == before, "what was sent is not changed in place"
            assert made.content == json.loads(json.dumps(made.content)), "content is plain JSON"
            minutes = content_type.minutes(made.content)
            assert minutes is None or (isinstance(minutes, int) and minutes >= 0)
            assert content_type.shows(made.content) is True

    def test_what_was_prepared_is_prepared_again_without_loss(
        self, content_type: ContentType, examples: list[Content], context: Callable[..., ContentContext]
    ) -> None:
        """Clients send back what they have read, fields that are not theirs included."""
        for example in examples:
            first = prepared(content_type, example, context())
            again = prepared(content_type, first.content, context())
            assert again.content == first.content
            assert again.removed == ()
            assert again.files == first.files

    def test_what_is_not_the_authors_is_ignored(
        self, content_type: ContentType, examples: list[Content], context: Callable[..., ContentContext]
    ) -> None:
        foreign = dict.fromkeys(derived_fields(content_type.schema()), "<script>")
        for example in examples:
            sound = prepared(content_type, example, context())
            assert prepared(content_type, {**example, **foreign}, context()).content == sound.content

    def test_an_unknown_field_is_refused(
        self, content_type: ContentType, examples: list[Content], context: Callable[..., ContentContext]
    ) -> None:
        assert refused(content_type, {**examples[0], "noSuchField": 1}, context()) == "invalid"
        with pytest.raises(Invalid):
            check_criteria(content_type, {"noSuchField": 1})
        assert check_criteria(content_type, {}) == {}

    @pytest.mark.parametrize("value", [*HOSTILE, *STRANGE], ids=lambda value: repr(value)[:30])
    def test_hostile_values_anywhere(
        self, content_type: ContentType, examples: list[Content], context: Callable[..., ContentContext], value: Any
    ) -> None:
        """They are refused by name, or what is kept of them is harmless where it is shown."""
        for example in examples:
            for path in leaves(example):
                _check_outcome(content_type, replaced(example, path, value), context())

    # Files.

    @pytest.mark.parametrize(
        ("why", "code"),
        [
            ({"gone": True}, "file_unknown"),
            ({"infected": True}, "file_infected"),
            ({"mime_type": "application/x-msdownload"}, "file_kind_wrong"),
        ],
        ids=["gone", "infected", "of another kind"],
    )
    def test_a_file_that_may_not_be_used(
        self,
        content_type: ContentType,
        examples: list[Content],
        context: Callable[..., ContentContext],
        why: dict[str, Any],
        code: str,
    ) -> None:
        for example in examples:
            if prepared(content_type, example, context()).files and not (
                code == "file_kind_wrong" and self.takes_any_file
            ):
                assert refused(content_type, example, context(**why)) == code

    takes_any_file = False
    """Whether any kind of file will do."""

    # Processing.

    def test_processing_finds_the_same_each_time(
        self,
        content_type: ContentType,
        examples: list[Content],
        context: Callable[..., ContentContext],
        content_settings: Settings,
        originals: Mapping[uuid.UUID, bytes],
    ) -> None:
        for example in examples:
            content = prepared(content_type, example, context()).content
            with bench(content_settings, originals) as first, bench(content_settings, originals) as second:
                found = _processed(content_type, content, first)
                assert _processed(content_type, content, second) == found
            assert found.keys() <= derived_fields(content_type.schema()), "it fills in dump_only fields alone"
            assert found.keys().isdisjoint(content), "what prepare has said stays"
            assert found == json.loads(json.dumps(found))
            minutes = content_type.minutes({**content, **found})
            assert minutes is None or (isinstance(minutes, int) and minutes >= 0)

    @pytest.mark.parametrize("damage", ["gone", "empty", "half", "noise"])
    def test_files_that_are_damaged(
        self,
        content_type: ContentType,
        examples: list[Content],
        context: Callable[..., ContentContext],
        content_settings: Settings,
        originals: Mapping[uuid.UUID, bytes],
        damage: str,
    ) -> None:
        for example in examples:
            content = prepared(content_type, example, context()).content
            with bench(content_settings, _damaged(originals, damage)) as workshop:
                found = _processed(content_type, content, workshop)
            assert found.keys() <= derived_fields(content_type.schema())


# What the tests are made of; an author's further tests may use it too.


def installed_settings(**changes: Any) -> Settings:
    """The keys of the core and of every installed plugin; ``changes`` are as for ``Settings.replace``."""
    least = {"sqlalchemy.url": "embedded:", "lms.broker.url": "embedded:", "lms.url": "https://lms.example"}
    keys = dict.fromkeys(("lms.jwt.keys", "lms.secret.keys", "lms.certificates.keys"), "generated:")
    return lms_core.read_settings({**least, **keys}, {})[0].replace(**changes)


def prepared(content_type: ContentType, content: Any, context: ContentContext) -> Made:
    """What the core would store; preparing writes nothing, starts nothing and asks nobody but the context."""
    with reading():
        return make(content_type, content, context)


def refused(content_type: ContentType, content: Any, context: ContentContext) -> str:
    """The code of the refusal, once it is sure that it names the field."""
    with reading(), pytest.raises(Invalid) as error:
        make(content_type, content, context)
    return _checked(error.value)


@contextmanager
def bench(settings: Settings, originals: Mapping[uuid.UUID, bytes]) -> Iterator[Bench]:
    with tempfile.TemporaryDirectory() as folder:
        yield Bench(settings, originals, Path(folder))


def _processed(content_type: ContentType, content: Content, workshop: Bench) -> Content:
    before = json.dumps(content)
    try:
        found = dict(content_type.process(content, workshop)) if content_type.processed else {}
    except CannotProcess:
        found = {}
    assert json.dumps(content) == before, "processing leaves the content alone"
    return found


def _checked(error: Invalid) -> str:
    assert _REFUSED.fullmatch(error.code)
    assert error.errors, "a refusal names the field"
    assert set(error.errors) == {"content"}
    return error.code


def _check_outcome(content_type: ContentType, content: Any, context: ContentContext) -> None:
    try:
        made = prepared(content_type, content, context)
    except Invalid as error:
        _checked(error)
        return
    shapes = json_schema(content_type.schema, str)["properties"]
    for key, value in made.content.items():
        shape = shapes.get(key, {})
        for text in _texts(value):
            assert not any(ord(char) < 32 and char not in "\t\n\r" for char in text), f"{key}: control characters"
            if shape.get("format") == "html":
                assert sanitize(text).removed == [], f"{key}: what a browser would run"
            elif shape.get("format") in ("uri", "url"):
                assert _WEB.fullmatch(text), f"{key}: no web address"


def check_fields(shape: Mapping[str, Any], known: Mapping[str, Any], where: str) -> None:
    """Every field that somebody may send has limits and a title; ``known`` are the definitions it may refer to."""
    assert shape.get("additionalProperties") is False or not shape.get("properties"), f"{where}: takes unknown fields"
    for key, field in shape.get("properties", {}).items():
        if not field.get("readOnly"):
            assert str(field.get("title", "")).strip(), f"{where}.{key}: no title in its metadata"
            _check_limits(field, known, f"{where}.{key}")


def _check_limits(field: Mapping[str, Any], known: Mapping[str, Any], where: str) -> None:
    if "$ref" in field or "allOf" in field:
        name = (field.get("$ref") or field["allOf"][0]["$ref"]).rpartition("/")[2]
        check_fields(known[name], known, where)
        return
    kinds = field.get("type", "any")
    [kind] = [each for each in ([kinds] if isinstance(kinds, str) else kinds) if each != "null"]
    assert kind != "any", f"{where}: may be anything"
    if "enum" not in field and field.get("format") not in _BOUNDED_FORMATS:
        lacking = [bound for bound in _BOUNDS.get(kind, ()) if bound not in field]
        assert not lacking, f"{where}: no {lacking[0]}"
    if kind == "array":
        _check_limits(field["items"], known, f"{where}[]")


def leaves(value: Any, path: Path_ = ()) -> Iterator[Path_]:
    """Where every value stands, the content as a whole left out."""
    inside: Any = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in inside:
        yield (*path, key)
        yield from leaves(each, (*path, key))


def replaced(value: Any, path: Path_, new: Any) -> Any:
    if not path:
        return new
    copied: Any = list(value) if isinstance(value, list) else dict(value)
    copied[path[0]] = replaced(value[path[0]], path[1:], new)
    return copied


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _texts(each)


def _damaged(originals: Mapping[uuid.UUID, bytes], damage: str) -> dict[uuid.UUID, bytes]:
    if damage == "gone":
        return {}
    spoil: Callable[[bytes], bytes] = {
        "empty": lambda data: b"",
        "half": lambda data: data[: len(data) // 2],
        "noise": lambda data: data[:64] + bytes(byte ^ 0x5A for byte in data[64:]),
    }[damage]
    return {key: spoil(data) for key, data in originals.items()}
