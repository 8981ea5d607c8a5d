"""Who may read a file besides its owner, and what keeps it from being deleted: whatever it is attached to has a say.

The domains that attach files come later, so they say it through directives::

    config.add_file_access(lambda: exists().where(Lesson.attachments.contains(...FileUpload.id...), ...))
    config.add_file_use(lambda: exists().where(Lesson.attachments.contains(...FileUpload.id...)))

Each condition is correlated to ``file_uploads``; whoever asks is ``CALLER`` of :mod:`lms_core.kernel.security`, who is
nobody where a file is deleted. Those of access become one column of the one statement that loads a file.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from sqlalchemy import ColumnElement

if TYPE_CHECKING:
    from pyramid.config import Configurator

Condition = Callable[[], ColumnElement[bool]]

_AFTER_ALL_DOMAINS = 1


def add_file_access(config: "Configurator", factory: Condition) -> None:
    """Directive: a condition under which the caller may read a file. Any one that holds is enough.

    The factory is called once, when every domain has been configured.
    """

    def register() -> None:
        config.registry.file_access.append(factory())

    config.action(("lms.file_access", factory), register, order=_AFTER_ALL_DOMAINS)


def add_file_use(config: "Configurator", factory: Condition) -> None:
    """Directive: a condition under which a file is in use, so that nobody may delete it.

    Whoever attaches a file holds it by :func:`~lms_core.files.service.hold_files` in the transaction that does so.
    The factory is called once, when every domain has been configured.
    """

    def register() -> None:
        config.registry.file_uses.append(factory())

    config.action(("lms.file_use", factory), register, order=_AFTER_ALL_DOMAINS)


def includeme(config: "Configurator") -> None:
    config.registry.file_access = []
    config.registry.file_uses = []
    config.add_directive("add_file_access", add_file_access)
    config.add_directive("add_file_use", add_file_use)
