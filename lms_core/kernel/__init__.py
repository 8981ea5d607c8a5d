"""The ground that every domain stands on: database, traversal, security, errors, events. It knows no domain."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyramid.config import Configurator

ROOMS = (
    "errors", "bodies", "traversal", "security", "views", "ratelimit", "idempotency", "events", "outbox", "tasks",
    "mail", "pages", "logging", "headers", "health",
)  # fmt: skip


def includeme(config: "Configurator") -> None:
    for room in ROOMS:
        config.include(f"lms_core.kernel.{room}")
