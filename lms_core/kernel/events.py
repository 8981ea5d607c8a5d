"""Domain events: what has happened, published in the transaction that made it so and told to others after it.

An event is a frozen dataclass of plain values. Publishing writes one row of the outbox; the relay hands it to every
subscriber after the commit (see :mod:`lms_core.kernel.outbox`). Event types and subscribers stand on
``registry.events``, put there by two directives::

    config.add_event_type(CourseCompleted)  # Checks at the start what publishing would stumble over.
    config.add_event_subscriber(CourseCompleted, "certificates.issue", issue_certificate)

A subscriber's name is its key in the ledger: renaming one delivers the unfinished events to it anew.
"""

import dataclasses
import datetime as dt
import re
import types
import typing
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, ClassVar, Literal, cast

from pyramid.exceptions import ConfigurationError
from sqlalchemy import Table, insert
from sqlalchemy.orm import Session

from lms_core.kernel.models import Outbox

if TYPE_CHECKING:
    from pyramid.config import Configurator

    from lms_core.kernel.core import Core

QueueName = Literal["default", "long"]
"""``long`` is for work of more than some seconds: one event a message, and a worker of its own may serve it."""
Read = Callable[[Any], Any]
Handler = Callable[["Delivery", Any], None]

_NAME = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+")
_INSERT = insert(cast(Table, Outbox.__table__))


@dataclass(frozen=True, slots=True)
class Event:
    """The base of every event.

    A subclass is a frozen dataclass with a ``name`` (``domain.what_happened``) and fields of the types str, int,
    float, bool, UUID, aware datetime, Decimal, lists of those, each optionally ``| None``. A field that is added
    later needs a default, and one that is removed is ignored where an older process still sends it.
    """

    name: ClassVar[str]


class Undeliverable(Exception):
    """Raised by a handler where trying again cannot help: the delivery becomes a dead letter at once."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """What a handler works with. ``db`` commits its effect and its ledger row together; it must not commit itself."""

    db: Session
    registry: Any
    core: "Core"
    event_id: uuid.UUID
    occurred_at: dt.datetime
    request_id: str | None = None
    actor_id: uuid.UUID | None = None


def publish(
    db: Session, event: Event, *, request_id: str | None = None, actor_id: uuid.UUID | None = None
) -> uuid.UUID:
    """Write the event into the outbox, in the session's transaction; answers the event's id.

    Whose request it was is taken from ``db.info`` (``request_id``, ``actor_id``) where it is not given, so that
    what a handler publishes carries on the request that began it all.
    """
    row = _row(db, event, request_id, actor_id)
    db.execute(_INSERT, row)
    event_id: uuid.UUID = row["event_id"]
    return event_id


def publish_all(db: Session, events: Iterable[Event], *, actor_id: uuid.UUID | None = None) -> None:
    """:func:`publish` for many, at the cost of one."""
    if rows := [_row(db, event, None, actor_id) for event in events]:
        db.execute(_INSERT, rows)


def _row(db: Session, event: Event, request_id: str | None, actor_id: uuid.UUID | None) -> dict[str, Any]:
    return {
        "event_id": uuid.uuid4(),
        "name": event.name,
        "payload": to_json(event),
        "request_id": request_id or db.info.get("request_id"),
        "actor_id": actor_id or db.info.get("actor_id"),
    }


def to_json(event: Event) -> dict[str, Any]:
    """The event's fields as JSON values. Raises TypeError where a value has no JSON form of ours."""
    return {field.name: _plain(getattr(event, field.name)) for field in dataclasses.fields(event)}


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, str | int | float | bool):
        return value
    if isinstance(value, dt.datetime) and value.tzinfo is not None:
        return value.astimezone(dt.UTC).isoformat()
    if isinstance(value, uuid.UUID | Decimal):
        return str(value)
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    raise TypeError(f"an event cannot carry {value!r}")


def _exactly(*kinds: type) -> Read:
    def read(value: Any) -> Any:
        # Not isinstance(): to Python true is an int, to an event it is not.
        if type(value) not in kinds:
            raise ValueError(f"a {kinds[0].__name__} was expected")
        return value

    return read


def _read_float(value: Any) -> float:
    return float(_exactly(float, int)(value))


def _read_uuid(value: Any) -> uuid.UUID:
    return uuid.UUID(_exactly(str)(value))


def _read_moment(value: Any) -> dt.datetime:
    moment = dt.datetime.fromisoformat(_exactly(str)(value))
    if moment.tzinfo is None:
        raise ValueError("a time needs an offset")
    return moment


def _read_decimal(value: Any) -> Decimal:
    try:
        return Decimal(_exactly(str)(value))
    except InvalidOperation:
        raise ValueError("not a decimal number") from None


_READERS: Mapping[Any, Read] = types.MappingProxyType(
    {
        str: _exactly(str),
        int: _exactly(int),
        bool: _exactly(bool),
        float: _read_float,
        uuid.UUID: _read_uuid,
        dt.datetime: _read_moment,
        Decimal: _read_decimal,
    }
)


def _reader(kind: Any) -> Read:
    """How a field of this type is read from JSON. Raises TypeError for a type no event may have."""
    if kind in _READERS:
        return _READERS[kind]
    arguments = typing.get_args(kind)
    if typing.get_origin(kind) in (typing.Union, types.UnionType) and len(arguments) == 2 and type(None) in arguments:
        some = _reader(arguments[0] if arguments[1] is type(None) else arguments[1])
        return lambda value: None if value is None else some(value)
    if typing.get_origin(kind) is list:
        each = _reader(arguments[0])
        return lambda value: [each(one) for one in _exactly(list)(value)]
    raise TypeError(f"an event cannot have a field of type {kind}")


class EventType:
    """An event class with the readers of its fields."""

    def __init__(self, cls: type[Event]) -> None:
        self.cls = cls
        hints = typing.get_type_hints(cls)
        self._readers = {field.name: _reader(hints[field.name]) for field in dataclasses.fields(cls)}

    def read(self, payload: Mapping[str, Any]) -> Event:
        """The event of a payload, whose unknown fields are ignored. Raises ValueError that names the field."""
        values = {}
        for name, read in self._readers.items():
            if name in payload:
                try:
                    values[name] = read(payload[name])
                except ValueError as error:
                    raise ValueError(f"{self.cls.name}: field {name}: {error}") from None
        try:
            return self.cls(**values)
        except TypeError as error:
            raise ValueError(f"{self.cls.name}: {error}") from None


@dataclass(frozen=True, slots=True)
class Subscriber:
    """Who is told of an event type, under which ledger key, through which queue."""

    name: str
    type: EventType
    handler: Handler
    queue: QueueName


def _imported(cls: type[Event]) -> Iterable[type[Event]]:
    for each in cls.__subclasses__():
        yield each
        yield from _imported(each)


class EventCatalog:
    """``registry.events``: the known event types and their subscribers, complete once the application is."""

    def __init__(self) -> None:
        self._types: dict[str, EventType] = {}
        self._subscribers: dict[str, Subscriber] = {}

    @property
    def names(self) -> list[str]:
        """The names of the event types that this process knows: what was added, and every class it has imported.

        Whether anybody subscribes is another matter: of a known event that nobody wants, nothing is left to do.
        """
        return sorted({*self._types, *(cls.name for cls in _imported(Event) if hasattr(cls, "name"))})

    def subscriber(self, name: str) -> Subscriber | None:
        return self._subscribers.get(name)

    def subscriptions(self) -> Iterable[tuple[str, str]]:
        """Each (event name, subscriber name), in the order of registration."""
        return ((subscriber.type.cls.name, name) for name, subscriber in self._subscribers.items())

    def add_type(self, cls: type[Event]) -> EventType:
        """Add a type, or find it. Raises ConfigurationError where it is no event or its name is taken."""
        if not (dataclasses.is_dataclass(cls) and issubclass(cls, Event) and _NAME.fullmatch(getattr(cls, "name", ""))):
            raise ConfigurationError(f"{cls!r} is no dataclass derived from Event with a name such as domain.what")
        known = self._types.get(cls.name)
        if known is None:
            try:
                known = self._types[cls.name] = EventType(cls)
            except TypeError as error:
                raise ConfigurationError(f"{cls.__name__}: {error}") from None
        if known.cls is not cls:
            raise ConfigurationError(f"two event types are named {cls.name}: {known.cls!r} and {cls!r}")
        return known

    def add_subscriber(self, cls: type[Event], name: str, handler: Handler, queue: QueueName) -> None:
        if not _NAME.fullmatch(name):
            raise ConfigurationError(f"a subscriber's name is like domain.what, not {name!r}")
        if queue not in typing.get_args(QueueName):
            raise ConfigurationError(f"{name}: there is no queue {queue!r}")
        self._subscribers[name] = Subscriber(name, self.add_type(cls), handler, queue)


def add_event_type(config: "Configurator", cls: type[Event]) -> None:
    """Directive: check at the start that the type is well-formed and its name its own; a subscription implies it."""
    config.action(None, lambda: config.registry.events.add_type(cls))


def add_event_subscriber(
    config: "Configurator", cls: type[Event], name: str, handler: Handler, *, queue: QueueName = "default"
) -> None:
    """Directive: ``handler(delivery, event)`` for each event of the type. A name taken twice is a conflict.

    It runs in a worker at least once; its effect in ``delivery.db`` is committed exactly once.
    """
    config.action(
        ("lms.event_subscriber", name), lambda: config.registry.events.add_subscriber(cls, name, handler, queue)
    )


def includeme(config: "Configurator") -> None:
    config.registry.events = EventCatalog()
    config.add_directive("add_event_type", add_event_type)
    config.add_directive("add_event_subscriber", add_event_subscriber)
