"""One request at a time writes to an upload, whichever process it is served by.

The lock is a name in the row of the upload that runs out unless it is renewed while bytes come in: a process that was
killed, or whose caller went silent, keeps nobody waiting for long. Whatever is recorded is recorded under that name, so
that one who has lost the lock writes nothing any more.
"""

import datetime as dt
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import update
from sqlalchemy.orm import Session

from lms_core.files.models import Upload
from lms_core.files.storage import Readable
from lms_core.files.uploads import queries
from lms_core.kernel.core import Core
from lms_core.kernel.errors import Locked, NotFound
from lms_core.kernel.i18n import _

LEASE = dt.timedelta(seconds=30)


def locked() -> Locked:
    return Locked("upload_locked", _("Another request is writing to this upload."), retry_after=1)


class Held:
    """An upload that this request alone may write to; ``row`` is as it was when it was locked."""

    def __init__(self, core: Core, name: uuid.UUID, row: Any, now: dt.datetime) -> None:
        self.row, self.received = row, int(row.received)
        self._core, self._name, self._renewed_at = core, name, now

    def change(self, db: Session, **values: Any) -> None:
        """Write to the upload's row, if it is still held. Raises 423 ``upload_locked``."""
        held = (Upload.id == self.row.id, Upload.locked_by == self._name)
        if db.execute(update(Upload).where(*held).values(**values).returning(Upload.id)).one_or_none() is None:
            raise locked()

    def renew(self) -> None:
        """Put the end of the lock off, once a part of its time is over. Raises 423 ``upload_locked``."""
        now = self._core.clock()
        if now - self._renewed_at > LEASE / 4:
            self._renewed_at = now
            with self._core.transaction() as db:
                self.change(db, locked_until=now + LEASE)

    def kept_by(self, stream: Readable) -> Readable:
        """The stream; each of its reads may renew the lock."""
        return _Renewing(self, stream)


class _Renewing:
    def __init__(self, held: Held, stream: Readable) -> None:
        self._held, self._stream = held, stream

    def read(self, size: int, /) -> bytes:
        chunk = self._stream.read(size)
        self._held.renew()
        return chunk


@contextmanager
def hold(core: Core, upload_id: uuid.UUID, user_id: uuid.UUID) -> Iterator[Held]:
    """Lock a person's upload for the block. Raises NotFound, and 423 ``upload_locked`` where another request has it."""
    name, now = uuid.uuid4(), core.clock()
    wanted = (Upload.id == upload_id, Upload.user_id == user_id, Upload.expires_at > now)
    with core.transaction() as db:
        row = db.execute(
            update(Upload)
            .where(*wanted, queries.unlocked(now))
            .values(locked_by=name, locked_until=now + LEASE)
            .returning(*queries.COLUMNS)
        ).one_or_none()
        if row is None:
            raise NotFound() if queries.own_upload(db, upload_id, user_id, now) is None else locked()
    try:
        yield Held(core, name, row, now)
    finally:
        with core.transaction() as db:
            mine = update(Upload).where(Upload.id == upload_id, Upload.locked_by == name)
            db.execute(mine.values(locked_by=None, locked_until=None))
