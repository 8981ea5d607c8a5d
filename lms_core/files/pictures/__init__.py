"""Pictures that are made of uploaded ones: thumbnails of files, and avatars.

Whatever is shown was drawn anew from the pixels of what was sent: nothing else of it, be it metadata or malware, comes
along.
"""

from typing import TYPE_CHECKING

from lms_core.accounts.resources import MeResource
from lms_core.kernel.traversal import ApiRoot

if TYPE_CHECKING:
    from pyramid.config import Configurator


def includeme(config: "Configurator") -> None:
    from lms_core.files.events import ThumbnailDue
    from lms_core.files.pictures import resources, tasks
    from lms_core.files.pictures.drawing import Studio

    config.registry.studio = Studio(config.registry.core.settings.integer("lms.images.max_pixels"))
    config.add_event_subscriber(ThumbnailDue, "files.thumbnail", tasks.make_thumbnail, queue="long")
    config.add_child(MeResource, "avatar", resources.MyAvatar)
    config.add_child(ApiRoot, "avatars", resources.AvatarCollection)
    config.add_item(resources.AvatarCollection, resources.AvatarItem, "avatarId")
    config.scan("lms_core.files.pictures.views")
