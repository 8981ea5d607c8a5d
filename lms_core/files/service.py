"""Taking files in, and letting them go."""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select, update
from sqlalchemy.orm import Session

from lms_core.files import queries
from lms_core.files.body import Body, too_large
from lms_core.files.claims import Claim as Claim  # For the domains that bring files in.
from lms_core.files.claims import claimed as claimed
from lms_core.files.claims import quota_of as quota_of
from lms_core.files.claims import settle as settle
from lms_core.files.events import ObjectsDropped, ScanDue
from lms_core.files.kinds import HEAD, category, detect
from lms_core.files.models import PENDING, SKIPPED, FileUpload
from lms_core.files.names import display_name
from lms_core.files.reading import has_content as has_content  # For the domains that attach files.
from lms_core.files.reading import open_file as open_file
from lms_core.files.rollback import delete_on_rollback
from lms_core.files.scanning import FIRST_RETRY, clear
from lms_core.files.storage import Readable, Storage, Stored, new_key
from lms_core.kernel.bodies import PIECE
from lms_core.kernel.core import Core
from lms_core.kernel.errors import Conflict, NotFound
from lms_core.kernel.events import publish
from lms_core.kernel.i18n import _
from lms_core.kernel.security import CALLER, Identity

DROPPED_AT_ONCE = 1_000
"""Objects that one event names."""
NOBODY = {CALLER.key: None}


class _Intake:
    """A stream that is counted and remembered while the storage drains it. Raises 413 past the limit."""

    def __init__(self, stream: Readable, max_bytes: int) -> None:
        self.head = b""
        self._stream = stream
        self._limit = max_bytes
        self._seen = 0

    def read(self, size: int, /) -> bytes:
        chunk = self._stream.read(size)
        self._seen += len(chunk)
        if self._seen > self._limit:
            raise too_large(self._limit)
        if len(self.head) < HEAD:
            self.head += chunk[: HEAD - len(self.head)]
        return chunk


def store_file(
    db: Session, storage: Storage, *, uploaded_by: uuid.UUID, name: str, stream: Readable, max_bytes: int, scan: bool
) -> FileUpload:
    """Store a stream and record it; what it is told by its content, ``name`` is only shown.

    ``scan`` says that it waits for a scanner, which whoever has ``registry.scanners`` knows.
    The bytes are durable when this returns, and are deleted if the transaction does not commit
    (:mod:`lms_core.files.rollback`). Raises 413 ``file_too_large``, 503 ``storage_unavailable``.
    """
    key = new_key()
    intake = _Intake(stream, max_bytes)
    stored = storage.put(key, intake)
    try:
        mime_type = detect(intake.head)
        upload = FileUpload(
            uploaded_by=uploaded_by,
            file_name=display_name(name),
            file_size=stored.size,
            file_type=category(mime_type),
            mime_type=mime_type,
            checksum=stored.sha256,
            storage_path=key,
            storage_provider=storage.name,
            virus_scan_result=PENDING if scan else SKIPPED,
            scan_due_at=func.now() + FIRST_RETRY if scan else None,
        )
        db.add(upload)
        db.flush()
        delete_on_rollback(db, storage, key)
    except BaseException:
        storage.delete(key)
        raise
    if scan:
        publish(db, ScanDue(upload.id))
    else:
        clear(db, upload.id, mime_type)
    return upload


def store_object(db: Session, storage: Storage, stream: Readable) -> tuple[str, Stored]:
    """Store a stream that is no file of anybody's; answers its key and its receipt.

    A row of the caller's has to name it in its columns ``storage_provider`` and ``storage_path``. Durability and errors
    are as for :func:`store_file`.
    """
    key = new_key()
    stored = storage.put(key, stream)
    try:
        delete_on_rollback(db, storage, key)
    except BaseException:
        storage.delete(key)
        raise
    return key, stored


def receive_file(db: Session, core: Core, storage: Storage, person: Identity, body: Body, *, scan: bool) -> FileUpload:
    """Store what a person sends, within their quota; ``db`` has no transaction yet, and gets one when all is there.

    Raises what :func:`store_file` and the stream raise, and 413 ``quota_exceeded``; the quota is as before then.
    """
    with claimed(core, person.user_id, body.size, quota_of(core.settings, person.principals)) as claim:
        upload = store_file(
            db,
            storage,
            uploaded_by=person.user_id,
            name=body.name,
            stream=claim.kept_by(body.stream),
            max_bytes=core.settings.integer("lms.files.max_bytes"),
            scan=scan,
        )
        settle(db, claim.id)
    return upload


def take_whole(stream: Readable, max_bytes: int) -> bytes:
    """All of a stream that is small. Raises 413 ``file_too_large``, and what the stream raises."""
    intake, pieces = _Intake(stream, max_bytes), []
    while piece := intake.read(PIECE):
        pieces.append(piece)
    return b"".join(pieces)


def hold_files(db: Session, file_ids: Iterable[uuid.UUID]) -> Sequence[Any]:
    """The rows of those of the files that are there; none of them is deleted before the transaction has ended.

    For whoever attaches a file to something.
    """
    statement = queries.living(list(file_ids)).order_by(FileUpload.id).with_for_update(read=True, key_share=True)
    return db.execute(statement).all()


def delete_file(db: Session, core: Core, uses: Sequence[ColumnElement[bool]], file_id: uuid.UUID) -> None:
    """Delete a file; its bytes go later. Raises NotFound, and 409 ``file_in_use`` where one of the ``uses`` holds."""
    # A lock that waits for whoever is attaching the file; what they did is then seen by the next statement.
    if db.execute(queries.living([file_id]).with_for_update()).one_or_none() is None:
        raise NotFound()
    if uses and db.execute(select(FileUpload.id).where(FileUpload.id == file_id, or_(*uses)), NOBODY).first():
        raise Conflict("file_in_use", _("This file is attached to something; take it off there first."))
    db.execute(update(FileUpload).where(FileUpload.id == file_id).values(deleted_at=core.clock()))


def drop_objects(db: Session, objects: Iterable[Any]) -> None:
    """Have objects deleted once the transaction has committed: rows of ``storage_provider`` and ``storage_path``."""
    keys: dict[str, list[str]] = defaultdict(list)
    for row in objects:
        keys[row.storage_provider].append(row.storage_path)
    for provider, dropped in keys.items():
        for start in range(0, len(dropped), DROPPED_AT_ONCE):
            publish(db, ObjectsDropped(provider, dropped[start : start + DROPPED_AT_ONCE]))
