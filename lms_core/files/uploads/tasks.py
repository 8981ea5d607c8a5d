"""What becomes of uploads by themselves: whole ones become files, and those whose time is over are forgotten."""

import structlog

from lms_core.files.storage import StorageUnavailable
from lms_core.files.uploads import queries, service
from lms_core.files.uploads.locks import hold
from lms_core.files.uploads.parts import Place
from lms_core.kernel.errors import Locked, NotFound
from lms_core.kernel.tasks import TaskContext

BATCH = 100


def finish_uploads(context: TaskContext) -> None:
    """Make the files of uploads that are whole: what made them was killed, or found the storage down."""
    core, registry = context.core, context.registry
    place = Place(registry.storages, registry.storage, scan=bool(registry.scanners))
    with core.transaction() as db:
        whole = db.execute(queries.complete(core.clock(), BATCH)).all()
    for row in whole:
        try:
            with hold(core, row.id, row.user_id) as held:
                service.finish(core, place, held, {"actor_id": row.user_id})
        except (Locked, NotFound):
            continue  # Somebody else is at it.
        except StorageUnavailable as error:
            structlog.get_logger("lms.files").warning("upload_unfinished", upload=str(row.id), reason=repr(error))


def forget_expired(context: TaskContext) -> None:
    """Forget what was begun and not finished within ``lms.files.upload_ttl``, with its parts."""
    while service.forget_expired(context.core, BATCH) == BATCH:
        pass
