"""A person's inbox in the resource tree."""

from typing import Any

from lms_core.kernel.security import ACE, scoped_acl
from lms_core.kernel.traversal import Collection, Item
from lms_core.notifications import queries

PERMISSIONS = ("notifications:read", "notifications:update")


class NotificationCollection(Collection):
    """``/notifications``: whoever asks sees their own."""

    @property
    def __acl__(self) -> list[ACE]:
        return scoped_acl(PERMISSIONS, ["own"])


class NotificationItem(Item):
    """``/notifications/{id}``: other people's do not exist."""

    @property
    def __acl__(self) -> list[ACE]:
        return scoped_acl(PERMISSIONS, ["own"])

    def load(self) -> Any:
        return queries.notification(self.request.reader, self.request.caller.user_id, self.id)
