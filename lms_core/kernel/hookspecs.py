"""The hooks of the kernel: what any plugin may do at start-up. Domains add their own beside their code."""

from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    import click
    from pyramid.config import Configurator

    from lms_core.kernel.core import Core
    from lms_core.kernel.plugins import EventSubscription, Migrations, PeriodicTask
    from lms_core.settings import Setting

PROJECT = "lms"
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def lms_settings() -> "list[Setting]":  # type: ignore[empty-body]  # A specification has no body.
    """The ini keys of the plugin.

    Called once, before the settings are read. Names should begin with ``lms.<plugin>.``; a name that exists
    already stops the start.
    """


@hookspec
def lms_configure(config: "Configurator") -> None:
    """Add resources (``config.add_child``), views, routes, permissions and backends.

    Called while the application is configured, after every domain; ``config.registry.core`` is there. Raise to
    stop the start.
    """


@hookspec
def lms_event_subscribers() -> "list[EventSubscription]":  # type: ignore[empty-body]
    """Subscriptions to domain events. Each is delivered at least once and its effect committed exactly once."""


@hookspec
def lms_periodic_tasks() -> "list[PeriodicTask]":  # type: ignore[empty-body]
    """Work that the beat starts every so many seconds, on one worker at a time; it must be idempotent."""


@hookspec
def lms_migrations() -> "list[Migrations]":  # type: ignore[empty-body]
    """Alembic version locations of the plugin's own tables, each with its branch label.

    ``lms db upgrade`` takes every branch to its head. Models hang on ``lms_core.plugin_api.Base``.
    """


@hookspec
def lms_commands() -> "list[click.Command]":  # type: ignore[empty-body]
    """Commands that appear under ``lms``."""


@hookspec
def lms_start(core: "Core") -> None:
    """The application is configured and about to serve: in each web process, worker and command.

    No transaction is open. Connections made here must not outlive a fork.
    """
