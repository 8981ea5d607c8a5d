"""Thumbnails, made after the commit."""

import io

import structlog

from lms_core.files import queries as files
from lms_core.files.events import ThumbnailDue
from lms_core.files.pictures import queries
from lms_core.files.pictures.service import keep_thumbnail
from lms_core.files.reading import open_file
from lms_core.kernel.errors import Invalid
from lms_core.kernel.events import Delivery

MAX_BYTES = 64 << 20
"""Images of more bytes get no thumbnail."""


def make_thumbnail(delivery: Delivery, event: ThumbnailDue) -> None:
    """Make the thumbnail of an image; one that cannot be read goes without."""
    db, registry = delivery.db, delivery.registry
    row = db.execute(files.living([event.file_id])).one_or_none()
    if row is None or row.file_size > MAX_BYTES or queries.thumbnail(db.connection(), row.id, "") is not None:
        return
    try:
        with open_file(delivery.core, registry.storages, row) as stream:
            picture = registry.studio.thumbnail(io.BytesIO(stream.read()))
    except Invalid as error:
        structlog.get_logger("lms.files").info("no_thumbnail", file_id=str(row.id), reason=error.code)
        return
    keep_thumbnail(db, registry.storage, row.id, picture)
