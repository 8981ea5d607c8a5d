"""Events as JSON and back, and their registration."""

import datetime as dt
import uuid
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar

import pytest
from pyramid.config import Configurator
from pyramid.exceptions import ConfigurationConflictError, ConfigurationError
from sqlalchemy import text

from lms_core.kernel.events import Delivery, Event, EventType, publish, to_json
from tests.functional.pipeline.support import MakePipeline, ThingDone

UTC = dt.UTC
SOME_ID = uuid.UUID("3f2504e0-4f89-41d3-9a0c-0305e82c3301")


@dataclass(frozen=True, slots=True)
class Everything(Event):
    name: ClassVar[str] = "test.everything"
    text: str
    count: int
    share: float
    flag: bool
    id: uuid.UUID
    at: dt.datetime
    score: Decimal
    maybe: uuid.UUID | None
    ids: list[uuid.UUID]
    scores: list[Decimal | None]
    added_later: str = "a default"


def everything(**changes: Any) -> dict[str, Any]:
    event = Everything(
        "ä", 1, 0.5, True, SOME_ID, dt.datetime(2030, 1, 2, 3, 4, 5, 678, UTC), Decimal("0.10"), None, [SOME_ID],
        [Decimal("1.5"), None],
    )  # fmt: skip
    return {**to_json(event), **changes}


def test_an_event_survives_json() -> None:
    event = EventType(Everything).read(everything())
    assert to_json(event) == everything()
    assert isinstance(event, Everything)
    assert event.score == Decimal("0.10")
    assert event.ids == [SOME_ID]


def test_the_reader_ignores_unknown_fields_and_knows_defaults() -> None:
    payload = everything(removed="long ago")
    del payload["added_later"]
    event = EventType(Everything).read(payload)
    assert isinstance(event, Everything)
    assert event.added_later == "a default"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("text", 1), ("text", None), ("count", True), ("count", "1"), ("count", 1.5), ("share", "0.5"), ("share", True),
        ("flag", 1), ("id", "no-id"), ("id", 7), ("at", "2030-01-02T03:04:05"), ("at", "yesterday"), ("score", 1.5),
        ("score", "much"), ("maybe", ""), ("ids", "x"), ("ids", [1]), ("scores", [1]),
    ],
)  # fmt: skip
def test_the_reader_is_strict_about_types(field: str, value: Any) -> None:
    with pytest.raises(ValueError, match=rf"test.everything: field {field}"):
        EventType(Everything).read(everything(**{field: value}))


def test_a_missing_field_is_named() -> None:
    payload = everything()
    del payload["count"]
    with pytest.raises(ValueError, match="count"):
        EventType(Everything).read(payload)


def test_a_naive_time_cannot_be_published() -> None:
    event = Everything("", 1, 1.0, True, SOME_ID, dt.datetime(2030, 1, 1), Decimal(1), None, [], [])  # noqa: DTZ001
    with pytest.raises(TypeError, match="datetime"):
        to_json(event)


def test_an_event_shares_the_fate_of_its_transaction(make_pipeline: MakePipeline) -> None:
    core = make_pipeline({}).core
    with core.transaction() as db:
        publish(db, ThingDone(1))
        db.rollback()
    with core.transaction() as db:
        db.info["request_id"] = "r-1"
        event_id = publish(db, ThingDone(2), actor_id=SOME_ID)
    with core.transaction() as db:
        rows = db.execute(text("SELECT event_id, name, payload, request_id, actor_id FROM outbox")).all()
    assert [tuple(row) for row in rows] == [(event_id, "test.thing_done", {"number": 2}, "r-1", SOME_ID)]


@pytest.fixture
def config() -> Configurator:
    config = Configurator()
    config.include("lms_core.kernel.events")
    return config


def ignore(delivery: Delivery, event: Any) -> None:
    """A handler without effect."""


def test_a_subscriber_brings_its_event_type_along(config: Configurator) -> None:
    config.add_event_subscriber(ThingDone, "test.one", ignore)
    config.add_event_type(ThingDone)
    config.add_event_type(ThingDone)
    config.commit()
    assert "test.thing_done" in config.registry.events.names
    assert list(config.registry.events.subscriptions()) == [("test.thing_done", "test.one")]


def test_two_subscribers_of_one_name_conflict(config: Configurator) -> None:
    config.add_event_subscriber(ThingDone, "test.one", ignore)
    config.add_event_subscriber(Everything, "test.one", ignore)
    with pytest.raises(ConfigurationConflictError, match=r"test\.one"):
        config.commit()


def test_two_event_types_of_one_name_conflict(config: Configurator) -> None:
    @dataclass(frozen=True)
    class Impostor(Event):
        name: ClassVar[str] = "test.thing_done"

    config.add_event_type(ThingDone)
    config.add_event_type(Impostor)
    with pytest.raises(ConfigurationError, match=r"two event types are named test\.thing_done"):
        config.commit()


def test_what_no_event_may_be(config: Configurator) -> None:
    @dataclass(frozen=True)
    class Heavy(Event):
        name: ClassVar[str] = "test.heavy"
        body: bytes

    @dataclass(frozen=True)
    class Nameless(Event):
        pass

    for kind, complaint in ((Heavy, "bytes"), (Nameless, "name such as"), (dict, "no dataclass")):
        config.add_event_type(kind)
        with pytest.raises(ConfigurationError, match=complaint):
            config.commit()
        config.begin()


@pytest.mark.parametrize("name", ["one", "Test.One", "test.", "", "test one"])
def test_a_subscribers_name_says_whose_it_is(config: Configurator, name: str) -> None:
    config.add_event_subscriber(ThingDone, name, ignore)
    with pytest.raises(ConfigurationError, match=r"like domain\.what"):
        config.commit()
