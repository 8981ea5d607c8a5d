"""Where uploads that can be resumed stand in the tree."""

from typing import Any, ClassVar

from pyramid.response import Response

from lms_core.files.uploads import protocol, queries
from lms_core.kernel.request import Request
from lms_core.kernel.security import ACE, scoped_acl
from lms_core.kernel.traversal import Collection, Item


def speak_tus(request: Request, response: Response) -> None:
    """Say of every answer, refusals included, which version it is in."""
    response.headers["Tus-Resumable"] = protocol.VERSION
    if response.status_int == 412:
        response.headers["Tus-Version"] = protocol.VERSION


class UploadCollection(Collection):
    """``/uploads``: one's own, of which nobody else can know."""

    __acl__: ClassVar[list[ACE]] = scoped_acl(("files:create",), ("own",))

    def __init__(self, request: Request, *place: Any) -> None:
        super().__init__(request, *place)
        request.add_response_callback(speak_tus)


class UploadItem(Item):
    """``/uploads/{id}``."""

    def load(self) -> Any:
        request = self.request
        return queries.own_upload(request.reader, self.id, request.caller.user_id, request.core.clock())

    def lock(self) -> None:
        """It has no version."""
