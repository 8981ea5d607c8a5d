"""One's own calendar in the resource tree, and the address that opens it to who is not signed in."""

import uuid
from typing import Any, ClassVar

from pyramid.decorator import reify

from lms_core.accounts.calendar import queries
from lms_core.accounts.queries import calendar_identity
from lms_core.kernel.errors import NotFound
from lms_core.kernel.i18n import _
from lms_core.kernel.ratelimit import throttle_address
from lms_core.kernel.request import Request
from lms_core.kernel.security import ACE, Authentication, scoped_acl
from lms_core.kernel.traversal import Item, Resource

MOST_OF_A_TOKEN = 100
"""Characters of what may be a token."""


class MyCalendarLink(Item):
    """``/users/me/calendar``: whether the caller's calendar has an address of its own."""

    __acl__: ClassVar[list[ACE]] = scoped_acl(("users:read", "users:update"), ("own",))

    @reify
    def id(self) -> uuid.UUID:
        """The caller's."""
        return self.request.caller.user_id

    def load(self) -> Any:
        return queries.link(self.request.reader, self.id)


class MyCalendar(Resource):
    """``/users/me/calendar.ics``: the caller's, who is signed in, or has the address of a calendar.

    With a token in the address whatever else the request bears counts for nothing.
    """

    __acl__: ClassVar[list[ACE]] = scoped_acl(("users:read",), ("own",))

    def __init__(self, request: Request, name: str = "", parent: Resource | None = None) -> None:
        super().__init__(request, name, parent)
        token = request.GET.get("token")
        if token is not None:
            request.authentication = self._by_token(token)

    def _by_token(self, token: str) -> Authentication:
        """Raises 404 ``calendar_not_found``, on which calendars ask nobody for a password; 429 for who guesses."""
        request = self.request
        if 0 < len(token) <= MOST_OF_A_TOKEN:
            found = calendar_identity(request.reader, token, request.core.clock())
            if found is not None:
                return Authentication(found)
        throttle_address(request, "calendar")
        raise NotFound("calendar_not_found", _("There is no calendar at this address any more."))
