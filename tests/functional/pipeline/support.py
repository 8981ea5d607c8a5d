"""A kernel without domains, whose events and subscribers each test chooses; effects are rows of ``system_logs``."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from pyramid.config import Configurator
from sqlalchemy import text

from lms_core.kernel.core import Core, make_core
from lms_core.kernel.events import Delivery, Event, publish
from lms_core.kernel.plugins import Plugins
from lms_core.settings import Settings


@dataclass(frozen=True, slots=True)
class ThingDone(Event):
    name: ClassVar[str] = "test.thing_done"
    number: int


@dataclass(frozen=True, slots=True)
class Unheard(Event):
    name: ClassVar[str] = "test.unheard"


def note(delivery: Delivery, action: str, number: int) -> None:
    """The effect of a handler: a row that nothing keeps from being there twice."""
    delivery.db.execute(
        text("INSERT INTO system_logs (action, request_id, metadata) VALUES (:a, :r, jsonb_build_object('n', :n))"),
        {"a": action, "r": delivery.request_id, "n": number},
    )


def noting(action: str) -> Callable[[Delivery, Any], None]:
    return lambda delivery, event: note(delivery, action, event.number)


class Pipeline:
    """A registry, and what the database says about its events."""

    def __init__(self, config: Configurator) -> None:
        self.registry = config.registry
        self.core: Core = config.registry.core

    def publish(self, *numbers: int) -> list[uuid.UUID]:
        with self.core.transaction() as db:
            return [publish(db, ThingDone(number)) for number in numbers]

    def effects(self, action: str) -> list[int]:
        return self.column("SELECT (metadata->>'n')::int FROM system_logs WHERE action = :a ORDER BY 1", a=action)

    def unfinished(self) -> int:
        count: int = self.column("SELECT count(*)::int FROM outbox WHERE finished_at IS NULL")[0]
        return count

    def column(self, sql: str, **parameters: Any) -> list[Any]:
        with self.core.transaction() as db:
            return list(db.execute(text(sql), parameters).scalars())

    def execute(self, sql: str, **parameters: Any) -> None:
        with self.core.transaction() as db:
            db.execute(text(sql), parameters)

    def hasten(self) -> None:
        """Let every lease run out and every retry be due."""
        self.execute("UPDATE delivery_failures SET retry_at = now() - interval '1 s'")
        self.execute("UPDATE outbox SET lease_until = now() - interval '1 s' WHERE lease_until IS NOT NULL")


MakePipeline = Callable[..., Pipeline]


def kernel(settings: Settings) -> Configurator:
    """The rooms of the kernel that pipelines need, not committed yet."""
    config = Configurator()
    config.registry.core = make_core(settings, Plugins((), found=()))
    for room in ("events", "outbox", "tasks", "mail"):
        config.include(f"lms_core.kernel.{room}")
    return config
