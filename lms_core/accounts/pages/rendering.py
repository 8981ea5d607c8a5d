"""The pages as HTML, and what an error says on one."""

from collections.abc import Iterator, Mapping
from typing import Any

from pyramid.response import Response

from lms_core.kernel import pages
from lms_core.kernel.errors import LMSError
from lms_core.kernel.request import Request


def page(request: Request, template: str, *, status: int = 200, **context: Any) -> Response:
    """``templates/<template>.html`` as a response."""
    return pages.page(request, f"accounts.pages:{template}", status=status, **context)


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
