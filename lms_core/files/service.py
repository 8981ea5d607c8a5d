"""Taking files in."""

import uuid

from sqlalchemy.orm import Session

from lms_core.files.kinds import HEAD, category, detect
from lms_core.files.models import FileUpload
from lms_core.files.names import display_name
from lms_core.files.rollback import delete_on_rollback
from lms_core.files.storage import Readable, Storage, new_key
from lms_core.kernel.errors import TooLarge
from lms_core.kernel.i18n import _

NOT_SCANNED = "skipped"
"""What ``virus_scan_result`` says where no scanner has looked."""


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
            raise TooLarge(
                "file_too_large", _("The file is larger than ${limit} bytes.", mapping={"limit": self._limit})
            )
        if len(self.head) < HEAD:
            self.head += chunk[: HEAD - len(self.head)]
        return chunk


def store_file(
    db: Session, storage: Storage, *, uploaded_by: uuid.UUID, name: str, stream: Readable, max_bytes: int
) -> FileUpload:
    """Store a stream and record it; what it is told by its content, ``name`` is only shown.

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
            virus_scan_result=NOT_SCANNED,
        )
        db.add(upload)
        db.flush()
        delete_on_rollback(db, storage, key)
    except BaseException:
        storage.delete(key)
        raise
    return upload
