"""Where avatars stand in the tree."""

from typing import Any

from lms_core.files.pictures import queries
from lms_core.kernel.traversal import Collection, Item, Resource


class MyAvatar(Resource):
    """``/users/me/avatar``."""


class AvatarCollection(Collection):
    """``/avatars``: nobody can list them."""


class AvatarItem(Item):
    """``/avatars/{id}``: everybody's who knows the id."""

    def load(self) -> Any:
        """The picture that the query string asks for."""
        wanted = self.request.query
        return queries.avatar_picture(self.request.reader, self.id, wanted["size"], webp=wanted["type"] == "webp")
