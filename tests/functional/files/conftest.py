"""What the tests of files share."""

import io

import pytest
from sqlalchemy import select

from lms_core.files.models import FileClaim, FileUpload
from lms_core.files.service import store_file


@pytest.fixture
def stored(core, registry):
    """``stored(owner, content, name)`` -> the row of a stored file, made without a request."""

    def make(owner, content=b"Some words.", name="words.txt", scan=False):
        with core.transaction() as db:
            stream = io.BytesIO(content)
            return store_file(
                db, registry.storage, uploaded_by=owner.id, name=name, stream=stream, max_bytes=len(content), scan=scan
            )

    return make


@pytest.fixture
def nothing_left(core, settings):
    """``nothing_left()``: no file is recorded, nothing is stored, and no room is set aside."""

    def check():
        with core.transaction() as db:
            assert db.scalars(select(FileUpload.file_name)).all() == []
            assert db.scalars(select(FileClaim.size)).all() == []
        assert [path for path in (settings.data / "files").rglob("*") if path.is_file()] == []

    return check
