"""Beginning an upload, writing to it, ending it."""

import datetime as dt
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from lms_core.files.body import too_large
from lms_core.files.claims import claim, quota_of, settle
from lms_core.files.models import Upload, UploadPart
from lms_core.files.names import display_name
from lms_core.files.service import drop_objects, store_file
from lms_core.files.storage import Readable
from lms_core.files.uploads import protocol, queries
from lms_core.files.uploads.locks import Held
from lms_core.files.uploads.parts import PartReader, PartWriter, Place
from lms_core.files.uploads.protocol import Checksum
from lms_core.kernel.core import Core
from lms_core.kernel.errors import Conflict
from lms_core.kernel.i18n import _
from lms_core.kernel.security import Identity

MAX_UNFINISHED = 100
"""Uploads that a person may have begun and not finished."""


def begin_upload(core: Core, person: Identity, length: int, details: str) -> uuid.UUID:
    """Begin an upload and set its room aside, until it expires; answers its id.

    Raises 400 ``upload_header_invalid``, 409 ``too_many_uploads``, 413 ``file_too_large`` and ``quota_exceeded``.
    """
    settings, now = core.settings, core.clock()
    name = display_name(protocol.file_name(details))
    if length > settings.integer("lms.files.max_bytes"):
        raise too_large(settings.integer("lms.files.max_bytes"))
    until = now + dt.timedelta(seconds=settings.seconds("lms.files.upload_ttl"))
    with core.transaction() as db:
        claim_id = claim(db, person.user_id, length, quota_of(settings, person.principals), now, until)
        if queries.unfinished_count(db, person.user_id, now) >= MAX_UNFINISHED:
            raise Conflict("too_many_uploads", _("Finish or delete some of the uploads that you have begun."))
        upload = Upload(
            user_id=person.user_id, claim_id=claim_id, file_name=name, details=details, length=length, expires_at=until
        )
        db.add(upload)
        db.flush()
        return upload.id


def append(core: Core, place: Place, held: Held, stream: Readable, checksum: Checksum | None = None) -> None:
    """Write what comes to the end of an upload, up to its length; ``held.received`` says how far it is then.

    What has come is kept where the stream fails, unless a ``checksum`` is to tell whether it is right: then all of it
    counts or nothing. Raises what the stream raises, 423 ``upload_locked``, 460 ``checksum_mismatch`` and 503
    ``storage_unavailable``.
    """
    work = PartWriter(core, place, held)
    incoming = held.kept_by(checksum.over(stream) if checksum is not None else stream)
    try:
        more = True
        while more and work.end < held.row.length:
            more = work.write_part(incoming)
            if checksum is None:
                work.record()
        if work.failure is not None:
            raise work.failure
        if checksum is not None:
            checksum.check()
            work.record()
    finally:
        work.forget()


def finish(core: Core, place: Place, held: Held, info: Mapping[str, Any]) -> uuid.UUID | None:
    """Make the file once all is there; answers its id, None while something is missing.

    ``info`` says whose request it was, for what is published. Raises 423 ``upload_locked``, 503
    ``storage_unavailable``; the upload is as before then, and is finished later.
    """
    row = held.row
    if row.finished_at is not None or held.received < row.length:
        file_id: uuid.UUID | None = row.file_id
        return file_id
    with core.transaction() as db:
        parts = queries.parts(db, [row.id])
    with core.transaction() as db, PartReader(place.storages, parts) as whole:
        db.info.update(info)
        made = store_file(
            db,
            place.storage,
            uploaded_by=row.user_id,
            name=row.file_name,
            stream=held.kept_by(whole),
            max_bytes=row.length,
            scan=place.scan,
        )
        held.change(db, file_id=made.id, finished_at=core.clock(), claim_id=None)
        _drop_parts(db, [row.id], parts)
        if row.claim_id is not None:
            settle(db, row.claim_id)
    return made.id


def end_upload(core: Core, held: Held) -> None:
    """Forget an upload, with what it has of its owner's quota. The file that it became stays."""
    with core.transaction() as db:
        held.change(db, locked_until=core.clock())
        _forget(db, [held.row.id])


def forget_expired(core: Core, most: int) -> int:
    """Forget uploads whose time is over, some at a time; answers how many."""
    now = core.clock()
    over = select(Upload.id).where(Upload.expires_at <= now, queries.unlocked(now)).limit(most)
    with core.transaction() as db:
        ids = db.scalars(over.with_for_update(skip_locked=True)).all()
        _forget(db, ids)
    return len(ids)


def _forget(db: Session, upload_ids: Sequence[uuid.UUID]) -> None:
    _drop_parts(db, upload_ids, queries.parts(db, upload_ids))
    gone = db.scalars(delete(Upload).where(Upload.id.in_(upload_ids)).returning(Upload.claim_id)).all()
    for claim_id in filter(None, gone):
        settle(db, claim_id)


def _drop_parts(db: Session, upload_ids: Sequence[uuid.UUID], parts: Sequence[Any]) -> None:
    db.execute(delete(UploadPart).where(UploadPart.upload_id.in_(upload_ids)))
    drop_objects(db, parts)
