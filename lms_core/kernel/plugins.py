"""Finding, checking and describing plugins.

A plugin is what an entry point of the group ``lms.plugins`` names: a module, or an object, with an
``api_version`` and functions marked ``@hookimpl``. A plugin that cannot be loaded stops the start by name.
"""

import inspect
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import pluggy

from lms_core.kernel import hookspecs
from lms_core.settings import Setting, SettingsError

if TYPE_CHECKING:
    from pyramid.config import Configurator

    from lms_core.kernel.events import Event

GROUP = "lms.plugins"
API_VERSION = "1"
"""The version of :mod:`lms_core.plugin_api` that a plugin declares; it changes when a plugin would break."""


class PluginError(SettingsError):
    """A plugin that does not load, or was written for another API; the message names it."""


@dataclass(frozen=True, slots=True)
class EventSubscription:
    """``handler(delivery, event)`` for each event of the type; ``name`` (``plugin.what``) is its ledger key."""

    event: "type[Event]"
    name: str
    handler: Callable[[Any, Any], None]


@dataclass(frozen=True, slots=True)
class PeriodicTask:
    """``handler(context)`` every so many seconds."""

    name: str
    handler: Callable[[Any], None]
    every: float


@dataclass(frozen=True, slots=True)
class Migrations:
    """An importable package with Alembic revisions on a branch of its own."""

    package: str
    branch: str


@dataclass(frozen=True, slots=True)
class PluginInfo:
    """A row of ``lms plugin list``."""

    name: str
    version: str
    origin: str
    hooks: tuple[str, ...]
    enabled: bool


class Plugins:
    """The enabled plugins behind one pluggy manager, and what is known of the disabled ones."""

    def __init__(
        self, specs: Iterable[Any], disabled: Sequence[str] = (), found: Iterable[EntryPoint] | None = None
    ) -> None:
        self._manager = pluggy.PluginManager(hookspecs.PROJECT)
        for spec in (hookspecs, *specs):
            self._manager.add_hookspecs(spec)
        self._infos: list[PluginInfo] = []
        points = sorted(entry_points(group=GROUP) if found is None else found, key=lambda point: point.name)
        unknown = set(disabled) - {point.name for point in points}
        if unknown:
            raise PluginError(f"lms.plugins.disabled: no plugin is named {sorted(unknown)[0]}")
        for point in points:
            if point.name in disabled:
                self._infos.append(_describe(point, (), enabled=False))
            else:
                self._register(point)
        self._manager.check_pending()

    @property
    def hook(self) -> Any:
        """Call hooks as ``plugins.hook.lms_settings()``; the answers come as a list, one per plugin."""
        return self._manager.hook

    def gather(self, hook: str, **arguments: Any) -> list[Any]:
        """The answers of a hook that answers lists, in one list, by plugin name."""
        return [value for answer in reversed(getattr(self.hook, hook)(**arguments)) for value in answer]

    def settings(self) -> list[Setting]:
        return self.gather("lms_settings")

    def configure(self, config: "Configurator") -> None:
        """Let every plugin add to the application."""
        self.hook.lms_configure(config=config)
        for subscription in self.gather("lms_event_subscribers"):
            config.add_event_subscriber(subscription.event, subscription.name, subscription.handler)
        for task in self.gather("lms_periodic_tasks"):
            config.add_periodic_task(task.name, task.handler, every=task.every)

    def describe(self) -> list[PluginInfo]:
        """Every installed plugin, disabled ones included."""
        return list(self._infos)

    def packages_with_words(self) -> list[str]:
        """Packages of enabled plugins, searched for ``locale/``."""
        names = {_package_of(plugin) for _name, plugin in self._manager.list_name_plugin() if plugin is not None}
        return sorted(name for name in names if name)

    def _register(self, point: EntryPoint) -> None:
        try:
            plugin = point.load()
        except Exception as error:
            raise PluginError(f"plugin {point.name} ({point.value}) failed to load: {error!r}") from error
        version = getattr(plugin, "api_version", None)
        if version != API_VERSION:
            raise PluginError(f"plugin {point.name} declares API version {version!r}; this is version {API_VERSION!r}")
        try:
            self._manager.register(plugin, point.name)
        except (pluggy.PluginValidationError, ValueError) as error:
            raise PluginError(f"plugin {point.name} does not fit: {' '.join(str(error).split())}") from error
        hooks = tuple(sorted(caller.name for caller in self._manager.get_hookcallers(plugin) or ()))
        unknown = [name for name in hooks if getattr(getattr(self.hook, name), "spec", None) is None]
        if unknown:
            raise PluginError(f"plugin {point.name} implements {unknown[0]}, which is no hook of this version")
        self._infos.append(_describe(point, hooks, enabled=True))


def _describe(point: EntryPoint, hooks: tuple[str, ...], *, enabled: bool) -> PluginInfo:
    dist = point.dist
    return PluginInfo(
        name=point.name,
        version=dist.version if dist else "",
        origin=f"{dist.name} ({point.value})" if dist else point.value,
        hooks=hooks,
        enabled=enabled,
    )


def _package_of(plugin: Any) -> str | None:
    """The package (not the module) a plugin lives in."""
    module = inspect.getmodule(plugin if inspect.ismodule(plugin) else type(plugin))
    if module is None:
        return None
    spec = find_spec(module.__name__)
    if spec is None:
        return None
    return module.__name__ if spec.submodule_search_locations is not None else spec.parent or None
