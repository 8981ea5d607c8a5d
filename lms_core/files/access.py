"""Who may read a file besides its owner: whatever it is attached to has a say.

The domains that attach files come later, so they say it through a directive::

    config.add_file_access(lambda: exists().where(Lesson.attachments.contains(...FileUpload.id...), ...))

Each condition is correlated to ``file_uploads``; whoever asks is ``CALLER`` of :mod:`lms_core.kernel.security`. All of
them become one column of the one statement that loads a file.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from sqlalchemy import ColumnElement

if TYPE_CHECKING:
    from pyramid.config import Configurator

AccessFactory = Callable[[], ColumnElement[bool]]

_AFTER_ALL_DOMAINS = 1


def add_file_access(config: "Configurator", factory: AccessFactory) -> None:
    """Directive: a condition under which the caller may read a file. Any one that holds is enough.

    The factory is called once, when every domain has been configured.
    """

    def register() -> None:
        config.registry.file_access.append(factory())

    config.action(("lms.file_access", factory), register, order=_AFTER_ALL_DOMAINS)


def includeme(config: "Configurator") -> None:
    config.registry.file_access = []
    config.add_directive("add_file_access", add_file_access)
