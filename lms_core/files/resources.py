"""Uploaded files in the resource tree."""

from typing import Any

from lms_core.files import queries
from lms_core.kernel.security import ACE, caller_id, scoped_acl
from lms_core.kernel.traversal import Allow, Collection, Everyone, Item


class FileCollection(Collection):
    """``/files``."""


class FileItem(Item):
    """``/files/{id}``: its owner's, an administrator's, and whose who may see what it is attached to."""

    concealed = True

    def load(self) -> Any:
        request = self.request
        return queries.file_by(request.reader, request.registry.file_access, self.id, caller_id(request))

    @property
    def __acl__(self) -> list[ACE]:
        identity = self.request.identity
        owned = identity is not None and self.row.uploaded_by == identity.user_id
        acl = scoped_acl(["files:read"], ["all", "own"] if owned else ["all"])
        return [*acl, (Allow, Everyone, "files:read")] if self.row.granted else acl

    @property
    def version(self) -> str | None:
        """A file never changes: its content is its version."""
        checksum: str | None = self.row.checksum
        return checksum
