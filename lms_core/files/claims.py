"""Room for files on their way in: what one may yet take of its owner's quota is set aside before its first byte.

A claim is committed by itself, so that two uploads at once see each other. It counts until the file is recorded (in
the same transaction), until the upload has failed, or until it expires: nobody renews what a killed process claimed.
"""

import datetime as dt
import uuid
from collections.abc import Container, Iterator
from contextlib import contextmanager

import structlog
from sqlalchemy import delete, select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from lms_core.accounts.models import User
from lms_core.files import queries
from lms_core.files.models import FileClaim
from lms_core.files.storage import Readable
from lms_core.kernel.core import Core
from lms_core.kernel.errors import TooLarge
from lms_core.kernel.i18n import _
from lms_core.settings import Settings

LEASE = dt.timedelta(minutes=10)
"""How long the claim of a request or job outlives it at most."""


def quota_of(settings: Settings, grants: Container[str]) -> int:
    """How many bytes the files of a person with these grants may take together; 0 sets no limit."""
    teaches = "courses:create:own" in grants
    return settings.integer("lms.files.teacher_quota" if teaches else "lms.files.quota")


def claim(
    db: Session,
    user_id: uuid.UUID,
    size: int,
    quota: int,
    now: dt.datetime,
    until: dt.datetime,
    *,
    job_id: uuid.UUID | None = None,
) -> uuid.UUID:
    """Set bytes aside until then; answers the claim's id. Raises 413 ``quota_exceeded``.

    The person's row is locked first: of two that would fit alone, the later one sees the earlier one's claim. A job
    that is done again names itself, so that what it claimed when it was killed does not stand in its way.
    """
    db.execute(select(User.id).where(User.id == user_id).with_for_update(key_share=True))
    if job_id is not None:
        settle(db, job_id)
    used = db.execute(queries.used_and_claimed(user_id, now)).scalar_one()
    left = max(0, quota - used)
    if quota and size > left:
        raise TooLarge(
            "quota_exceeded",
            _("Your files may take ${quota} bytes, of which ${left} are left.", mapping={"quota": quota, "left": left}),
            extra={"quota": quota, "left": left},
        )
    made = FileClaim(id=job_id, user_id=user_id, size=size, expires_at=until)
    db.add(made)
    db.flush()
    return made.id


def settle(db: Session, claim_id: uuid.UUID) -> None:
    """Give the room back: in the transaction that records the file, or in one of its own where there is none."""
    db.execute(delete(FileClaim).where(FileClaim.id == claim_id))


@contextmanager
def claimed(
    core: Core, user_id: uuid.UUID, size: int, quota: int, *, job_id: uuid.UUID | None = None
) -> Iterator["Claim"]:
    """Room for the length of a request or job: it is given back where the block fails.

    Raises 413 ``quota_exceeded``. Whoever settles the claim in the block does so last.
    """
    with core.transaction() as db:
        now = core.clock()
        made = Claim(core, claim(db, user_id, size, quota, now, now + LEASE, job_id=job_id), now)
    try:
        yield made
    except BaseException:
        made.give_back()
        raise


class Claim:
    """A claim that is renewed while bytes come in."""

    def __init__(self, core: Core, claim_id: uuid.UUID, renewed_at: dt.datetime) -> None:
        self.id = claim_id
        self._core = core
        self._renewed_at = renewed_at

    def kept_by(self, stream: Readable) -> Readable:
        """The stream; each of its reads may renew the claim."""
        return _Renewing(self, stream)

    def renew(self) -> None:
        """Put the end off, once a part of the time is over."""
        now = self._core.clock()
        if now - self._renewed_at > LEASE / 4:
            self._renewed_at = now
            with self._core.transaction() as db:
                db.execute(update(FileClaim).where(FileClaim.id == self.id).values(expires_at=now + LEASE))

    def give_back(self) -> None:
        """Settle it; where that cannot be, it expires."""
        try:
            with self._core.transaction() as db:
                settle(db, self.id)
        except SQLAlchemyError:
            structlog.get_logger("lms.files").exception("claim_left_to_expire", claim=str(self.id))


class _Renewing:
    def __init__(self, made: Claim, stream: Readable) -> None:
        self._claim, self._stream = made, stream

    def read(self, size: int, /) -> bytes:
        chunk = self._stream.read(size)
        self._claim.renew()
        return chunk
