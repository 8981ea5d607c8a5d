"""Everything uploaded: taking it in, checking it, storing it, and handing it out to who may have it."""

from typing import TYPE_CHECKING

from lms_core.kernel.traversal import ApiRoot

if TYPE_CHECKING:
    from pyramid.config import Configurator


def includeme(config: "Configurator") -> None:
    from lms_core.files import access, checking, events, queries, resources, tasks
    from lms_core.files.storage import Storages

    core = config.registry.core
    config.registry.storages = Storages(core.plugins.gather("lms_storage_backends"), core.settings)
    config.registry.storage = config.registry.storages.default()
    config.registry.scanners = tuple(core.plugins.gather("lms_file_scanners", settings=core.settings))
    config.include(access)
    config.add_profile_column("storage_used_bytes", queries.storage_used())
    config.add_child(ApiRoot, "files", resources.FileCollection)
    config.add_item(resources.FileCollection, resources.FileItem, "fileId")
    config.add_event_subscriber(events.ObjectsDropped, "files.delete_objects", tasks.delete_objects)
    config.add_event_subscriber(events.ScanDue, "files.scan", tasks.scan, queue="long")
    for event in (events.FileCleared, events.FileInfected):
        config.add_event_type(event)
    config.add_periodic_task("files.rescan", tasks.rescan, every=60)
    config.add_periodic_task("files.purge", tasks.purge_files, every=3600)
    config.add_periodic_task("files.leftovers", checking.remove_leftovers, every=86_400, queue="long")
    config.scan("lms_core.files.views")
    config.include("lms_core.files.uploads")
    config.include("lms_core.files.pictures")
