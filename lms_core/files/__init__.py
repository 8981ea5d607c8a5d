"""Everything uploaded: taking it in, checking it, storing it, and handing it out to who may have it."""

from typing import TYPE_CHECKING

from lms_core.kernel.traversal import ApiRoot

if TYPE_CHECKING:
    from pyramid.config import Configurator


def includeme(config: "Configurator") -> None:
    from lms_core.files import access, queries, resources
    from lms_core.files.storage import Storages

    core = config.registry.core
    config.registry.storages = Storages(core.plugins.gather("lms_storage_backends"), core.settings)
    config.registry.storage = config.registry.storages.default()
    config.include(access)
    config.add_profile_column("storage_used_bytes", queries.storage_used())
    config.add_child(ApiRoot, "files", resources.FileCollection)
    config.add_item(resources.FileCollection, resources.FileItem, "fileId")
    config.scan("lms_core.files.views")
