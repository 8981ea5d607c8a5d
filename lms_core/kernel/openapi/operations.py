"""The operations of the API, read off the views as they are registered, and the options that only describe them."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from marshmallow import fields
from pyramid.exceptions import ConfigurationError
from pyramid.security import NO_PERMISSION_REQUIRED

from lms_core.kernel.security import SAFE_METHODS
from lms_core.kernel.traversal import Item, Resource, paths

View = Callable[..., Any]

_DECLARED = re.compile(r"[45]\d\d [a-z][a-z0-9_]*")


class Binary(fields.Raw):
    """The bytes of a file, in a ``form=`` schema."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One registered API view at one path: ``options`` are its ``@view_config`` arguments."""

    path: str
    method: str
    name: str
    permission: str | None
    options: Mapping[str, Any]
    doc: str
    kind: type[Resource]
    """The class of its context."""

    @property
    def public(self) -> bool:
        return bool(self.permission == NO_PERMISSION_REQUIRED)

    @property
    def unsafe(self) -> bool:
        return self.method.upper() not in SAFE_METHODS

    @property
    def on_item(self) -> bool:
        """Whether its context is one thing, which has a version where it has an ``updated_at``."""
        return issubclass(self.kind, Item)

    @property
    def idempotent(self) -> bool:
        """Whether it honours ``Idempotency-Key``."""
        return self.method == "post" and self.options.get("idempotent") is not False


def operations(registry: Any) -> Iterator[Operation]:
    """Every view of the API, at every path of its context class."""
    views = [(entry["introspectable"], permission_of(entry)) for entry in registry.introspector.get_category("views")]
    for kind, path in paths(registry):
        for view, permission in views:
            context = view["context"]
            if not isinstance(context, type) or context not in kind.__mro__ or context is object:
                continue
            for method in _methods(view["request_methods"] or ()):
                yield Operation(
                    path=f"{path}/{view['name']}" if view["name"] else path,
                    method=method.lower(),
                    name=view["callable"].__name__,
                    permission=permission,
                    options=view,
                    doc=(view["callable"].__doc__ or "").strip(),
                    kind=kind,
                )


def _methods(methods: Any) -> list[str]:
    """Those that a view names, but for a HEAD that is a GET without its body."""
    listed = [methods] if isinstance(methods, str) else list(methods)
    return [method for method in listed if method != "HEAD" or "GET" not in listed]


def permission_of(entry: Mapping[str, Any]) -> str | None:
    """The permission of a view's entry in Pyramid's introspector, which keeps it as an entry of its own."""
    values = [other["value"] for other in entry["related"] if other.category_name == "permissions"]
    return values[0] if values else None


def described_view(view: View, info: Any) -> View:
    """The deriver that does nothing but know the options, and refuse an ``errors=`` that names no status."""
    for error in info.options.get("errors") or ():
        if not _DECLARED.fullmatch(error):
            raise ConfigurationError(
                f"errors={error!r} of {info.original_view}: write the status before the code, as in '409 email_taken'"
            )
    return view


described_view.options = (  # type: ignore[attr-defined]  # Pyramid reads the option names off the function.
    "consumes", "form", "headers", "produces", "answers", "answer_headers",
)  # fmt: skip
