"""Exporting and importing courses over HTTP: never in the request, always as a job that says what became of it.

A job is a row. Asking for one publishes an event; a worker does the work and writes the outcome into the row, in the
transaction that makes the course, or names the stored file. Who asked reads the job until it expires.
"""

from typing import TYPE_CHECKING

from lms_core.kernel.traversal import ApiRoot

if TYPE_CHECKING:
    from pyramid.config import Configurator


def includeme(config: "Configurator") -> None:
    from lms_core.courses.exchange import events, queries, resources, tasks
    from lms_core.courses.resources import CourseCollection, CourseItem

    config.add_child(CourseItem, "exports", resources.CourseExports)
    config.add_child(ApiRoot, "exports", resources.Exports)
    config.add_item(resources.Exports, resources.ExportItem, "exportId")
    config.add_child(CourseCollection, "import", resources.CourseImportDoor)
    config.add_child(ApiRoot, "imports", resources.Imports)
    config.add_item(resources.Imports, resources.ImportItem, "importId")
    config.add_file_use(queries.awaits_import)
    config.add_event_subscriber(events.ExportRequested, "courses.export", tasks.export, queue="long")
    config.add_event_subscriber(events.ImportRequested, "courses.import", tasks.bring, queue="long")
    config.add_periodic_task("courses.purge_jobs", tasks.purge, every=3600)
    config.scan("lms_core.courses.exchange.views")
