"""Keeping pictures: the thumbnail of a file, and a person's one avatar."""

import hashlib
import io
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from types import MappingProxyType
from typing import Any

from sqlalchemy import delete, insert, update
from sqlalchemy.orm import Session

from lms_core.accounts.profile.service import set_avatar_url
from lms_core.files.body import Body
from lms_core.files.kinds import HEAD, detect
from lms_core.files.models import FAILED, INFECTED, Avatar, FileUpload, Rendition
from lms_core.files.pictures import queries
from lms_core.files.pictures.drawing import Picture, Studio
from lms_core.files.rollback import delete_on_rollback
from lms_core.files.scanning import FileScanner, ScannerUnavailable
from lms_core.files.service import drop_objects, take_whole
from lms_core.files.storage import Storage, StorageUnavailable, new_key
from lms_core.kernel.errors import Invalid, Unavailable
from lms_core.kernel.i18n import _
from lms_core.kernel.request import Request

AVATAR_BYTES = 5 << 20
"""Of the image that somebody sends."""
AVATAR_FORMATS: Mapping[str, str] = MappingProxyType({"image/jpeg": "JPEG", "image/png": "PNG", "image/webp": "WEBP"})


def keep_thumbnail(db: Session, storage: Storage, file_id: uuid.UUID, picture: Picture) -> None:
    """Store the thumbnail of a file; deleted again where the transaction does not commit."""
    with _stored(storage, [picture]) as rows:
        db.execute(insert(Rendition), [{**row, "file_id": file_id} for row in rows])
        url = f"/api/v1/files/{file_id}/thumbnail"
        db.execute(update(FileUpload).where(FileUpload.id == file_id).values(thumbnail_url=url))
        _tie(db, storage, rows)


def read_avatar(body: Body, scanners: Sequence[FileScanner], studio: Studio) -> list[Picture]:
    """The pictures that an image which somebody sends gives.

    Raises 413 ``file_too_large``, 422 ``image_unsupported``, ``image_invalid``, ``image_too_large`` and
    ``file_infected``, 503 ``busy`` and ``scanner_unavailable``, and what the body's stream raises.
    """
    content = take_whole(body.stream, AVATAR_BYTES)
    kind = AVATAR_FORMATS.get(detect(content[:HEAD]))
    if kind is None:
        raise Invalid("image_unsupported", _("Send a picture as JPEG, PNG or WebP."))
    _scan(content, scanners)
    return studio.avatar(io.BytesIO(content), [kind])


def _scan(content: bytes, scanners: Sequence[FileScanner]) -> None:
    """At once, not later: what is drawn of it is shown to everybody at once, too."""
    for scanner in scanners:
        try:
            verdict = scanner.scan(io.BytesIO(content), len(content))
        except ScannerUnavailable as error:
            raise Unavailable(
                "scanner_unavailable", _("Files cannot be scanned for malware right now."), retry_after=30
            ) from error
        if verdict.result in (INFECTED, FAILED):
            raise Invalid("file_infected", _("The scanner takes this file for malware."))


def set_avatar(
    db: Session, storage: Storage, user_id: uuid.UUID, pictures: Sequence[Picture], request: Request | None
) -> Avatar:
    """Make these pictures a person's avatar, in place of the one before.

    Its address has an id of its own that nobody can guess, so that a picture at an address never changes. The person's
    row is locked before the old avatar is looked for: of two at once, the later one replaces the earlier one's.
    """
    avatar = Avatar(id=uuid.uuid4(), user_id=user_id)
    with _stored(storage, pictures) as rows:
        set_avatar_url(db, user_id, avatar_url(avatar.id), request)
        _remove(db, user_id)
        db.add(avatar)
        db.flush()
        db.execute(insert(Rendition), [{**row, "avatar_id": avatar.id} for row in rows])
        _tie(db, storage, rows)
    return avatar


def delete_avatar(db: Session, user_id: uuid.UUID, request: Request | None) -> None:
    """Take a person's avatar away; nothing happens where there is none."""
    set_avatar_url(db, user_id, None, request)
    _remove(db, user_id)


def avatar_url(avatar_id: uuid.UUID) -> str:
    """A path of this site, whatever that is called: ``avatarUrl`` of a person."""
    return f"/api/v1/avatars/{avatar_id}"


def _remove(db: Session, user_id: uuid.UUID) -> None:
    drop_objects(db, queries.renditions_of_person(db, user_id))
    db.execute(delete(Avatar).where(Avatar.user_id == user_id))


@contextmanager
def _stored(storage: Storage, pictures: Iterable[Picture]) -> Iterator[list[dict[str, Any]]]:
    """The pictures as objects, and the columns of their rows; the objects go where the block fails."""
    rows: list[dict[str, Any]] = []
    try:
        for picture in pictures:
            key = new_key()
            storage.put(key, io.BytesIO(picture.content))
            rows.append(_row(picture, storage.name, key))
        yield rows
    except BaseException:
        for row in rows:
            with suppress(StorageUnavailable):
                storage.delete(row["storage_path"])
        raise


def _row(picture: Picture, provider: str, key: str) -> dict[str, Any]:
    return {
        "name": picture.name,
        "mime_type": picture.mime_type,
        "width": picture.width,
        "height": picture.height,
        "file_size": len(picture.content),
        "checksum": hashlib.sha256(picture.content).hexdigest(),
        "storage_provider": provider,
        "storage_path": key,
    }


def _tie(db: Session, storage: Storage, rows: Iterable[dict[str, Any]]) -> None:
    for row in rows:
        delete_on_rollback(db, storage, row["storage_path"])
