"""The pages as HTML, in the person's language, with headers that let a browser do no more than show them."""

import base64
import hashlib
from collections.abc import Iterator, Mapping
from importlib.resources import files
from typing import Any

import jinja2
from markupsafe import Markup
from pyramid.response import Response

from lms_core.kernel.core import Core
from lms_core.kernel.errors import LMSError
from lms_core.kernel.mail import template_environment
from lms_core.kernel.request import Request


class Pages:
    """One Jinja environment for each language, and the policy that admits the pages' own style and nothing else."""

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
        return self._environments[locale].get_template(f"accounts.pages:{template}.html").render(context)


def page(request: Request, template: str, *, status: int = 200, **context: Any) -> Response:
    """``templates/<template>.html`` as a response."""
    pages: Pages = request.registry.account_pages
    html = pages.render(request.localizer.locale_name, template, {"errors": [], **context})
    response = Response(text=html, status=status, content_type="text/html", charset="utf-8")
    response.headers["Content-Security-Policy"] = pages.policy
    response.headers["X-Robots-Tag"] = "noindex"
    return response


def messages(request: Request, error: LMSError) -> list[str]:
    """What an error says, in the person's language: of its fields, else of the whole."""
    said = list(_leaves(error.errors)) or [error.detail or error.title]
    return [request.localizer.translate(message) for message in said]


def _leaves(errors: Any) -> Iterator[str]:
    if isinstance(errors, Mapping):
        for each in errors.values():
            yield from _leaves(each)
    elif isinstance(errors, list | tuple):
        for each in errors:
            yield from _leaves(each)
    elif errors is not None:
        yield errors
