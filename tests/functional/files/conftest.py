"""What the tests of files share."""

import io
import uuid
from urllib.parse import urlsplit

import pytest
from lms_plugins.storage_gcs import plugin as gcs_plugin
from lms_plugins.storage_local.storage import LocalStorage
from lms_plugins.storage_s3 import plugin as s3_plugin
from sqlalchemy import select

from lms_core.files.models import FileClaim, FileUpload
from lms_core.files.service import store_file
from lms_core.files.storage import StorageBackend, Storages
from lms_core.testing.network import proxied
from lms_core.testing.services import s3_bucket, s3_settings


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


@pytest.fixture
def in_bucket(s3, registry, settings, monkeypatch):
    """New files go to a bucket; the application knows its own folder besides."""
    with s3_bucket(s3) as (_client, bucket):
        chosen = {name.replace(".", "__"): value for name, value in s3_settings(s3, bucket).items()}
        made = s3_plugin.lms_storage_backends()[0].make(settings.replace(**chosen))
        local = registry.storage
        backends = [StorageBackend(each.name, lambda _settings, each=each: each) for each in (local, made)]
        monkeypatch.setattr(registry, "storages", Storages(backends, settings))
        monkeypatch.setattr(registry, "storage", made)
        yield


@pytest.fixture
def gcs_settings(gcs, gcs_proxy):
    """What sets up a second backend whose objects are fetched piece by piece, empty, behind ``gcs_proxy``."""
    return {
        "lms.gcs.endpoint": f"http://127.0.0.1:{gcs_proxy.port}",
        "lms.gcs.bucket": gcs.bucket,
        "lms.gcs.prefix": f"{uuid.uuid4().hex}/",
    }


@pytest.fixture
def gcs_proxy(gcs):
    with proxied(urlsplit(gcs.url).port) as proxy:
        yield proxy


@pytest.fixture
def storages(registry, settings, gcs_settings, monkeypatch):
    """The backends ``local`` and ``gcs``; the application knows both."""
    chosen = {name.replace(".", "__"): value for name, value in gcs_settings.items()}
    local = LocalStorage(settings.data / "files")
    distant = gcs_plugin.lms_storage_backends()[0].make(settings.replace(**chosen))
    backends = [StorageBackend("local", lambda _settings: local), StorageBackend("gcs", lambda _settings: distant)]
    monkeypatch.setattr(registry, "storages", Storages(backends, settings))
    return registry.storages
