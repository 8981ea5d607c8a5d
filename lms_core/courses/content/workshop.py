"""Where a content type looks into the files of a lesson: copies of them, programs on a leash, and what comes of it."""

import shutil
import uuid
from collections.abc import Collection
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from lms_core.courses.content.types import ContentFile
from lms_core.files.models import INFECTED, FileUpload
from lms_core.files.service import store_file
from lms_core.kernel.confined import ProgramError, run_confined
from lms_core.kernel.core import Core
from lms_core.settings import Settings

MEMORY = 1 << 30
OUTPUT = 16 << 20
"""Bytes that a program has, unless it is given more."""


class CannotProcess(Exception):
    """There is nothing to be told of the content; ``problem`` is a code that says why.

    ``tool_missing``, ``unreadable``, ``too_complex``, ``file_gone`` and ``file_too_large`` come from the workshop.
    """

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem


class Workshop:
    """A folder that is gone afterwards, and what a content type may do there with the files of one lesson."""

    def __init__(self, db: Session, registry: Any, files: Collection[uuid.UUID], folder: Path) -> None:
        self.folder = folder
        self.kept: list[ContentFile] = []
        """What was made of the files; whoever may read the lesson may read it."""
        self._db = db
        self._registry = registry
        self._files = frozenset(files)

    @property
    def settings(self) -> Settings:
        core: Core = self._registry.core
        return core.settings

    def fetch(self, file_id: str) -> Path:
        """A copy of a file that the lesson uses. Raises :class:`CannotProcess`, 503 ``storage_unavailable``."""
        path = self.folder / file_id
        if not path.exists():
            row = self._row(file_id)
            if row.file_size > self.settings.integer("lms.content.process_bytes"):
                raise CannotProcess("file_too_large")
            storage = self._registry.storages.of(row.storage_provider)
            with storage.open(row.storage_path) as source, path.open("xb") as copy:
                shutil.copyfileobj(source, copy, 1 << 20)
        return path

    def run(self, *command: str, seconds: float = 60, memory: int = MEMORY, output: int = OUTPUT) -> bytes:
        """What a program writes to its standard output; it works in ``folder``.

        It has so many seconds, bytes of memory, and bytes for each file that it writes. Raises :class:`CannotProcess`.
        """
        try:
            return run_confined(command, folder=self.folder, seconds=seconds, memory=memory, output=output)
        except ProgramError as error:
            raise CannotProcess(error.problem) from error

    def keep(self, source_id: str, role: str, path: Path, name: str) -> str:
        """Store a file that was made of another, and answer its id. It belongs to the owner of that other.

        One of this ``role`` that was made of it before is taken instead, so that doing it twice stores one.
        """
        source = self._row(source_id)
        mark = {"derivedFrom": source_id, "role": role}
        made = select(FileUpload).where(
            FileUpload.uploaded_by == source.uploaded_by,
            FileUpload.extra.contains(mark),
            FileUpload.deleted_at.is_(None),
        )
        upload = self._db.scalars(made.limit(1)).first()
        if upload is None:
            with path.open("rb") as stream:
                size = path.stat().st_size
                upload = store_file(
                    self._db, self._registry.storage, uploaded_by=source.uploaded_by, name=name, stream=stream,
                    max_bytes=size, scan=bool(self._registry.scanners),
                )  # fmt: skip
            upload.extra = mark
            self._db.flush()
        self.kept.append(ContentFile(upload.id, upload.file_name, upload.file_size, upload.mime_type or ""))
        return str(upload.id)

    def _row(self, file_id: str) -> FileUpload:
        key = uuid.UUID(file_id)
        if key not in self._files:
            raise LookupError(f"the lesson does not use the file {file_id}")
        row = self._db.get(FileUpload, key)
        if row is None or row.deleted_at is not None or row.virus_scan_result == INFECTED:
            raise CannotProcess("file_gone")
        return row
