"""Uploads that can be resumed: the tus protocol 1.0 (https://tus.io/protocols/resumable-upload), below ``/uploads``.

What comes in is stored in parts, objects of the storage backend that rows of ``upload_parts`` name. So any web process
can go on where another one stopped, and what a killed one had recorded is there. When all is in, the parts are read
through once more to make the file, as any other upload makes one.
"""

from typing import TYPE_CHECKING

from lms_core.kernel.traversal import ApiRoot

if TYPE_CHECKING:
    from pyramid.config import Configurator


def includeme(config: "Configurator") -> None:
    from lms_core.files.uploads import resources, tasks

    config.add_child(ApiRoot, "uploads", resources.UploadCollection)
    config.add_item(resources.UploadCollection, resources.UploadItem, "uploadId")
    config.add_periodic_task("files.finish_uploads", tasks.finish_uploads, every=60, queue="long")
    config.add_periodic_task("files.forget_uploads", tasks.forget_expired, every=3600)
    config.scan("lms_core.files.uploads.views")
