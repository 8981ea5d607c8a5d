"""The few pages of our own, for a person who has nothing but a browser: HTML without scripts, in the person's language.

They extend ``kernel:page.html`` and are shown under a policy that admits the pages' own style and nothing else.
"""

import base64
import hashlib
from collections.abc import Mapping
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import jinja2
from markupsafe import Markup
from pyramid.response import Response

from lms_core.kernel.core import Core
from lms_core.kernel.mail import template_environment

if TYPE_CHECKING:
    from pyramid.config import Configurator

    from lms_core.kernel.request import Request


class Pages:
    """``registry.pages``: one Jinja environment for each language, and the policy."""

    def __init__(self, core: Core) -> None:
        style = (files(__package__) / "templates" / "page.css").read_text()
        digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
        self.policy = (
            f"default-src 'none'; style-src 'sha256-{digest}'; form-action 'self'; base-uri 'none';"
            " frame-ancestors 'none'"
        )
        shared = {
            "site_name": core.settings.text("lms.name"),
            "style": Markup(style),  # noqa: S704  # Ours, and without anything of anybody's in it.
        }
        self._environments: Mapping[str, jinja2.Environment] = {
            locale: template_environment(core.i18n.localizer(locale), {**shared, "locale": locale})
            for locale in core.i18n.locales
        }

    def render(self, locale: str, template: str, context: Mapping[str, Any]) -> str:
        return self._environments[locale].get_template(f"{template}.html").render(context)


def page(request: "Request", template: str, *, status: int = 200, **context: Any) -> Response:
    """The template ``package:file``, without ``.html``, as a response."""
    pages: Pages = request.registry.pages
    html = pages.render(request.localizer.locale_name, template, {"errors": [], **context})
    response = Response(text=html, status=status, content_type="text/html", charset="utf-8")
    response.headers["Content-Security-Policy"] = pages.policy
    response.headers["X-Robots-Tag"] = "noindex"
    return response


def includeme(config: "Configurator") -> None:
    config.registry.pages = Pages(config.registry.core)
