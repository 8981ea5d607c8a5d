"""Uploaded files in the resource tree."""

import uuid
from typing import Any, ClassVar

from pyramid.authorization import DENY_ALL

from lms_core.files import queries
from lms_core.kernel.security import ACE, caller_id, scoped_acl
from lms_core.kernel.traversal import Allow, Collection, Everyone, Item


class FileCollection(Collection):
    """``/files``: the caller's own, or everybody's for whom that is granted."""

    __acl__: ClassVar[list[ACE]] = scoped_acl(("files:create", "files:read"), ("own", "all"))

    @property
    def owner_id(self) -> uuid.UUID | None:
        """Whose files the caller sees; None for everybody's."""
        caller = self.request.caller
        return None if caller.may("files:read") else caller.user_id


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
        acl = scoped_acl(["files:read", "files:delete"], ["all", "own"] if owned else ["all"])
        if self.row.granted:
            acl.append((Allow, Everyone, "files:read"))
        # What the collection allows, it allows for one's own.
        return [*acl, DENY_ALL]

    @property
    def version(self) -> str | None:
        """A file never changes: its content is its version."""
        checksum: str | None = self.row.checksum
        return checksum
