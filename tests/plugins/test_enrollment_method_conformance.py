"""The conformance suite finds what it is there to find: enrollment methods that are careless each in their own way."""

import pytest

CARELESS = """
import socket
from decimal import Decimal

import pytest
from sqlalchemy import text

from lms_core.plugin_api import Admit, Ask, EnrollmentMethod, Pay, Refuse, Schema, Text, fields
from lms_core.testing.enrollment_methods import EnrollmentMethodConformance


class Said(Schema):
    word = Text(max=50, required=True, metadata={"title": "Word"})


class Careful(EnrollmentMethod):
    name, title, schema = "mine", "Mine", Said

    def decide(self, application):
        if application.data["word"] != "please":
            return Refuse("word_missing", "Say please.", field="word")
        return Admit()


class Example(EnrollmentMethodConformance):
    careless = Careful

    @pytest.fixture
    def method(self):
        return self.careless()

    @pytest.fixture
    def examples(self):
        return [{"word": "please"}]


class TestCareful(Example):
    pass


class TestNoLimits(Example):
    class careless(Careful):
        class schema(Schema):
            word = fields.String(required=True, metadata={"title": "Word"})


class TestBadName(Example):
    class careless(Careful):
        name = "My method"


class TestTakesAnything(Example):
    class careless(Careful):
        class schema(Said):
            class Meta:
                unknown = "exclude"


class TestFallsOver(Example):
    class careless(Careful):
        def decide(self, application):
            return {"please": Admit()}[application.data["word"]]


class TestCommits(Example):
    class careless(Careful):
        def decide(self, application):
            application.db.commit()
            return Admit()


class TestAsksTheNetwork(Example):
    class careless(Careful):
        def decide(self, application):
            with socket.socket() as asked:
                asked.settimeout(1)
                asked.connect(("127.0.0.1", 9))
            return Admit()


class TestTakesAnotherConnection(Example):
    class careless(Careful):
        def decide(self, application):
            with application.core.transaction() as db:
                db.execute(text("SELECT 1"))
            return Admit()


class TestAsksForNothing(Example):
    class careless(Careful):
        settles_price = True

        def decide(self, application):
            return Pay(Decimal(0), "EUR", ["desk"], "1")


class TestAsksUnannounced(Example):
    class careless(Careful):
        def decide(self, application):
            return Pay(Decimal(1), "EUR", ["desk"], "1")


class TestRefusesWithoutACode(Example):
    class careless(Careful):
        def decide(self, application):
            return super().decide(application) if application.data["word"] == "please" else Refuse("No!", "")
"""


def test_each_carelessness_is_found_and_care_is_not(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(CARELESS)
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider", "-p", "no:xdist", "-q", "-rfE", "--tb=no")
    found: dict[str, set[str]] = {}
    for line in result.outlines:
        if line.startswith(("FAILED ", "ERROR ")):
            _file, name, test = line.split(" ")[1].split("::")
            found.setdefault(name, set()).add(test.partition("[")[0])
    sound = "test_who_sends_what_is_asked_is_not_refused"
    assert "TestCareful" not in found
    assert found["TestNoLimits"] == {"test_every_field_has_limits_and_a_title"}
    assert found["TestBadName"] == {"test_it_has_a_name_and_a_title"}
    assert "test_an_unknown_field_is_refused" in found["TestTakesAnything"]
    assert found["TestFallsOver"] == {"test_hostile_values_anywhere"}
    assert found["TestRefusesWithoutACode"] == {"test_hostile_values_anywhere"}
    for name in ("TestCommits", "TestAsksTheNetwork", "TestTakesAnotherConnection", "TestAsksForNothing"):
        assert sound in found[name], name
    assert "test_only_who_sees_to_the_price_asks_for_money" in found["TestAsksUnannounced"]
