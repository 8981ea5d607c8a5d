"""The application for a server that imports one: ``lms_core.wsgi:application`` is the factory of the WSGI application.

``lms_core.wsgi:gateway`` is that of an ASGI one over it, which ``lms serve`` runs: it waits for slow callers without
holding a thread.

Settings come from the environment and from the ini file that ``LMS_INI`` names; ``lms serve`` sets both.
"""

import os
from typing import Any

from lms_core import configure
from lms_core.cli import bootstrap
from lms_core.kernel.gateway import Gateway
from lms_core.kernel.logging import configure_logging


def application() -> Any:
    """The application, with the process' logs set up. Raises SettingsError with one line."""
    settings, plugins = bootstrap.find_source(None, None, os.environ).read()
    configure_logging(settings)
    return configure(settings, plugins).make_wsgi_app()


def gateway() -> Gateway:
    """The same behind a gateway. Raises as :func:`application` does."""
    wsgi = application()
    return Gateway(wsgi, wsgi.registry.core.settings)
