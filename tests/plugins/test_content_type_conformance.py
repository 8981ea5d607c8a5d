"""The conformance suite finds what it is there to find: content types that are careless each in their own way."""

import pytest

CARELESS = """
import socket, subprocess
from uuid import UUID

import pytest

from lms_core.plugin_api import ContentType, Lack, Prepared, Schema, Text, fields, sanitize, short_of, validate
from lms_core.testing.content_types import ContentTypeConformance

FILE = UUID(int=1, version=4)


class Content(Schema):
    html = fields.String(
        required=True, validate=validate.Length(max=1000), metadata={"title": "Text", "format": "html"}
    )
    file_id = fields.UUID(metadata={"title": "File"})
    size = fields.Integer(dump_only=True)


class Criteria(Schema):
    seen_percent = fields.Integer(validate=validate.Range(1, 100), metadata={"title": "Percentage to see"})


class Careful(ContentType):
    name, title, schema, processed = "mine", "Mine", Content, ("fileId",)
    criteria, parts, measured = Criteria, "byte", ("size",)

    def prepare(self, content, context):
        if "fileId" in content:
            context.file(content["fileId"], "fileId", ("image/",))
        clean = sanitize(content["html"])
        return Prepared({**content, "html": clean.html}, clean.removed)

    def process(self, content, workshop):
        return {"size": workshop.fetch(content["fileId"]).stat().st_size} if "fileId" in content else {}

    def extent(self, content):
        return content.get("size")

    def lacking(self, criteria, evidence):
        return short_of(criteria, "seenPercent", evidence.percent)


class Example(ContentTypeConformance):
    careless = Careful

    @pytest.fixture
    def content_type(self):
        return self.careless()

    @pytest.fixture
    def originals(self):
        return {FILE: b"\\x89PNG\\r\\n\\x1a\\n\\0\\0\\0\\rIHDR" + bytes(64)}

    @pytest.fixture
    def examples(self):
        return [{"html": "<p>Words</p>"}, {"html": "<p>More</p>", "fileId": str(FILE)}]


class TestCareful(Example):
    pass


class TestNoLimits(Example):
    class careless(Careful):
        class schema(Content):
            html = fields.String(required=True, metadata={"title": "Text", "format": "html"})


class TestNoTitle(Example):
    class careless(Careful):
        class schema(Content):
            file_id = fields.UUID()


class TestKeepsScripts(Example):
    class careless(Careful):
        def prepare(self, content, context):
            super().prepare(content, context)
            return Prepared(content)


class TestTakesAnyFile(Example):
    class careless(Careful):
        def prepare(self, content, context):
            if "fileId" in content:
                context.file(content["fileId"], "fileId")
            clean = sanitize(content["html"])
            return Prepared({**content, "html": clean.html}, clean.removed)


class TestGrows(Example):
    class careless(Careful):
        def prepare(self, content, context):
            made = super().prepare(content, context)
            return Prepared({**made.content, "html": made.content["html"] + "<p>!</p>"}, made.removed)


class TestAsksTheNetwork(Example):
    class careless(Careful):
        def prepare(self, content, context):
            with socket.socket() as asked:
                asked.settimeout(1)
                asked.connect(("127.0.0.1", 9))
            return super().prepare(content, context)


class TestOverwrites(Example):
    class careless(Careful):
        def process(self, content, workshop):
            return {"html": "<p>Better</p>"}


class TestLaysDownCriteriaInVain(Example):
    class careless(Careful):
        def lacking(self, criteria, evidence):
            return []


class TestIsNeverContent(Example):
    class careless(Careful):
        def lacking(self, criteria, evidence):
            return [Lack("seenPercent", criteria["seenPercent"], 0)] if evidence.seen < 1000 else []


class TestNeedsItsMeasure(Example):
    class careless(Careful):
        def extent(self, content):
            return content["size"]


class TestTrustsItsFiles(Example):
    class careless(Careful):
        def process(self, content, workshop):
            if "fileId" not in content:
                return {}
            data = workshop.fetch(content["fileId"]).read_bytes()
            return {"size": data[40] + len(data)}
"""


def test_each_carelessness_is_found_and_care_is_not(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(CARELESS)
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider", "-p", "no:xdist", "-q", "-rfE", "--tb=no")
    found: dict[str, set[str]] = {}
    for line in result.outlines:
        if line.startswith(("FAILED ", "ERROR ")):
            _file, name, test = line.split(" ")[1].split("::")
            found.setdefault(name, set()).add(test.partition("[")[0])
    assert "TestCareful" not in found
    for name in ("TestNoLimits", "TestNoTitle"):
        assert "test_every_field_has_limits_and_a_title" in found[name]
    assert found["TestKeepsScripts"] == {"test_hostile_values_anywhere"}
    assert found["TestTakesAnyFile"] == {"test_a_file_that_may_not_be_used"}
    assert "test_what_was_prepared_is_prepared_again_without_loss" in found["TestGrows"]
    assert "test_an_example_is_prepared" in found["TestAsksTheNetwork"]
    assert "test_processing_finds_the_same_each_time" in found["TestOverwrites"]
    assert found["TestLaysDownCriteriaInVain"] == {"test_who_has_done_nothing_lacks_each_criterion"}
    assert "test_nothing_is_lacking_where_nothing_is_asked" in found["TestIsNeverContent"]
    assert "test_who_has_done_everything_lacks_nothing" in found["TestIsNeverContent"]
    assert found["TestNeedsItsMeasure"] == {"test_what_it_counts_it_can_measure"}
    assert found["TestTrustsItsFiles"] == {"test_files_that_are_damaged"}
