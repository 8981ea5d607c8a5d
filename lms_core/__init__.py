"""The learning-management framework: a Pyramid core, and everything else a plugin.

``main`` builds the web application, ``configure`` what the web, the workers and the commands share. Read
``configure`` as the table of contents.
"""

import os
from collections.abc import Mapping
from typing import Any

from pyramid.config import Configurator

from lms_core.courses import hookspecs as courses_hooks
from lms_core.enrollment import hookspecs as enrollment_hooks
from lms_core.enrollment.payments import hookspecs as payment_hooks
from lms_core.files import hookspecs as files_hooks
from lms_core.kernel.core import Clock, make_core, system_clock
from lms_core.kernel.embedded import ensure_server
from lms_core.kernel.plugins import Plugins
from lms_core.kernel.request import Request
from lms_core.kernel.views import refuse_unguarded
from lms_core.settings import EMBEDDED, Settings, load_settings, read_setting

HOOKS = (files_hooks, courses_hooks, enrollment_hooks, payment_hooks)
"""The domains' hook specifications; the kernel's own are always there."""

DOMAINS = (
    "accounts", "files", "courses", "enrollment", "assessment", "learning", "certificates", "forum", "notifications",
    "analytics", "administration",
)  # fmt: skip
"""In the order in which they may know of each other: a domain imports only earlier ones."""


def main(global_config: Mapping[str, str], **ini: str) -> Any:
    """The WSGI application (PasteDeploy's ``app_factory``). Raises SettingsError, in one line, on a bad ini."""
    settings, plugins = read_settings(ini, os.environ)
    return configure(settings, plugins).make_wsgi_app()


def read_settings(ini: Mapping[str, str], environ: Mapping[str, str]) -> tuple[Settings, Plugins]:
    """The settings of an ini section, and the plugins that it leaves switched on and that add keys of their own."""
    plugins = Plugins(HOOKS, read_setting("lms.plugins.disabled", ini, environ))
    return load_settings(ini, environ, plugins.settings()), plugins


def configure(settings: Settings, plugins: Plugins | None = None, *, clock: Clock = system_clock) -> Configurator:
    """The configured application, committed: ``.registry.core`` is what tasks and commands work with."""
    plugins = plugins or Plugins(HOOKS, settings.words("lms.plugins.disabled"))
    if settings.text("sqlalchemy.url") == EMBEDDED:
        settings = settings.replace(sqlalchemy__url=ensure_server(settings.data))
    config = Configurator(
        package="lms_core",
        request_factory=Request,
        settings={
            "tm.manager_hook": "pyramid_tm.explicit_manager",
            "tm.annotate_user": False,
            "tm.activate_hook": "lms_core.kernel.db.changes_data",
        },
    )
    config.registry.core = make_core(settings, plugins, clock=clock)
    config.include("pyramid_tm")
    config.include("lms_core.kernel")
    for domain in DOMAINS:
        config.include(f"lms_core.{domain}")
    config.include("lms_core.kernel.openapi")
    plugins.configure(config)
    config.commit()
    refuse_unguarded(config.registry)
    plugins.hook.lms_start(core=config.registry.core)
    return config
