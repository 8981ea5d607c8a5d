"""The resource tree: a root, collections that hold children and items, and items that load late.

Walking the tree costs nothing: an item loads its row when somebody first reads it, most often the policy asking
for ``__acl__``. An item's statement joins what its ACL needs (its course, the caller's part in it), so a path of
any depth costs one query. Ids that are ill-formed or unknown are 404.
"""

import datetime as dt
import re
import uuid
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from pyramid.authorization import Allow, Authenticated, Everyone
from pyramid.decorator import reify

from lms_core.kernel.errors import Forbidden, LMSError, NotFound

if TYPE_CHECKING:
    from pyramid.config import Configurator

    from lms_core.kernel.request import Request
    from lms_core.kernel.security import ACE

API_PREFIX = ("api", "v1")
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)

__all__ = [
    "Allow", "ApiRoot", "Authenticated", "Collection", "Everyone", "Item", "Resource", "Root", "parse_uuid",
    "version_of",
]  # fmt: skip


def parse_uuid(text: str) -> uuid.UUID | None:
    """A UUID in its canonical spelling, else None: one thing has one URL."""
    return uuid.UUID(text) if _UUID.fullmatch(text) else None


def version_of(changed_at: dt.datetime | None) -> str | None:
    """The version of a row: ``updated_at`` in microseconds, in hex."""
    return f"{int(changed_at.timestamp() * 1_000_000):x}" if changed_at is not None else None


class Resource:
    """A node of the tree. Children hang on classes: ``config.add_child(Parent, "name", Child)``."""

    def __init__(self, request: "Request", name: str = "", parent: "Resource | None" = None) -> None:
        self.request = request
        self.__name__ = name
        self.__parent__ = parent

    def __getitem__(self, name: str) -> "Resource":
        child = self._child(name)
        if child is None:
            raise KeyError(name)
        return child

    def _child(self, name: str) -> "Resource | None":
        children: Mapping[type, Mapping[str, type[Resource]]] = self.request.registry.children
        for kind in type(self).__mro__:
            if name in children.get(kind, ()):
                return children[kind][name](self.request, name, self)
        return None

    @property
    def concealed(self) -> bool:
        """Whether the caller may not even know that this exists; asked only after a refusal."""
        parent = self.__parent__
        return parent is not None and parent.concealed

    @property
    def refusal(self) -> LMSError:
        """What somebody is answered who is refused and may know that this exists."""
        parent = self.__parent__
        return parent.refusal if parent is not None else Forbidden()


class Root(Resource):
    """``/``. Nothing is allowed that a resource below does not allow."""

    __acl__: ClassVar["list[ACE]"] = []

    def __getitem__(self, name: str) -> Resource:
        if name == API_PREFIX[0]:
            return _ApiNode(self.request, name, self)
        raise KeyError(name)


class _ApiNode(Resource):
    def __getitem__(self, name: str) -> Resource:
        if name == API_PREFIX[1]:
            return ApiRoot(self.request, name, self)
        raise KeyError(name)


class ApiRoot(Resource):
    """``/api/v1``: domains hang their collections here."""


class Collection(Resource):
    """A list of items; ``item`` is set by ``config.add_item``."""

    item: "ClassVar[type[Item]]"

    def __getitem__(self, name: str) -> Resource:
        child = self._child(name)
        if child is not None:
            return child
        item: type[Item] | None = self.request.registry.items.get(type(self))
        if item is None or "\x00" in name or not item.well_formed(name):  # No text in the database holds a NUL.
            raise KeyError(name)
        return item(self.request, name, self)


class Item(Resource):
    """One thing with an id. Subclasses write :meth:`load`; ``row`` is what it answers."""

    @classmethod
    def well_formed(cls, name: str) -> bool:
        return parse_uuid(name) is not None

    @reify
    def id(self) -> uuid.UUID:
        return uuid.UUID(self.__name__)

    def load(self) -> Any:
        """The row with all that the item's ACL and ancestors need, or None."""
        raise KeyError(self.__name__)

    @reify
    def row(self) -> Any:
        row = self.load()
        if row is None:
            raise NotFound()
        return row

    @property
    def version(self) -> str | None:
        """What changes with each edit, for ``ETag`` and ``If-Match``."""
        return version_of(getattr(self.row, "updated_at", None))

    def lock(self) -> str | None:
        """Lock the row in ``request.db`` and answer the version that it has now."""
        return self.version


def root_factory(request: "Request") -> Root:
    return Root(request)


def add_child(config: "Configurator", parent: type[Resource], name: str, child: type[Resource]) -> None:
    """Directive: ``child`` answers under ``name`` below every ``parent``."""

    def register() -> None:
        config.registry.children.setdefault(parent, {})[name] = child

    config.action(("lms.child", parent, name), register)


def add_item(config: "Configurator", collection: type[Collection], item: type[Item], param: str) -> None:
    """Directive: what a collection's ids name; ``param`` is the id's name in the OpenAPI document."""

    def register() -> None:
        config.registry.items[collection] = item
        config.registry.item_params[item] = param

    config.action(("lms.item", collection), register)


def paths(
    registry: Any, kind: type[Resource] = ApiRoot, path: str = "/" + "/".join(API_PREFIX)
) -> Iterator[tuple[type[Resource], str]]:
    """Every resource class with its path template, for the OpenAPI document."""
    yield kind, path
    for base in kind.__mro__:
        for name, child in registry.children.get(base, {}).items():
            yield from paths(registry, child, f"{path}/{name}")
    item = registry.items.get(kind)
    if item is not None:
        yield from paths(registry, item, f"{path}/{{{registry.item_params[item]}}}")


def includeme(config: "Configurator") -> None:
    config.registry.children = {}
    config.registry.items = {}
    config.registry.item_params = {}
    config.add_directive("add_child", add_child)
    config.add_directive("add_item", add_item)
    config.set_root_factory(root_factory)
