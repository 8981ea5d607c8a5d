"""Factories for files: stored for real, without a request."""

import io
import uuid
from typing import Any

from lms_core.files.models import FileUpload
from lms_core.files.service import store_file
from lms_core.kernel.core import Core


def make_file(registry: Any, owner_id: uuid.UUID, content: bytes, name: str = "words.txt") -> FileUpload:
    """A stored file of somebody's, which no scanner is asked about."""
    core: Core = registry.core
    with core.transaction() as db:
        stream = io.BytesIO(content)
        return store_file(
            db, registry.storage, uploaded_by=owner_id, name=name, stream=stream, max_bytes=len(content), scan=False
        )
