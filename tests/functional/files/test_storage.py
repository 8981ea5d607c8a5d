"""Objects come whole or not at all, and go with the transaction that they belong to."""

import io
from contextlib import contextmanager, suppress

import pytest
from lms_plugins.storage_local.storage import LocalStorage
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from structlog.testing import capture_logs
from transaction import TransactionManager

from lms_core.files.models import FileUpload
from lms_core.files.rollback import delete_on_rollback
from lms_core.files.service import store_file
from lms_core.files.storage import StorageBackend, Storages, StorageUnavailable, new_key
from lms_core.kernel.errors import TooLarge
from lms_core.settings import SettingsError
from lms_core.testing.accounts import make_user

CONTENT = b"%PDF-1.7\n" + bytes(range(256)) * 4000


@pytest.fixture
def storage(tmp_path):
    return LocalStorage(tmp_path / "store")


@pytest.fixture
def owner(core):
    return make_user(core).id


def files_in(folder):
    return [path for path in folder.rglob("*") if path.is_file()]


class Counted:
    """A backend that can be made as often as ``failures`` allows."""

    def __init__(self, name, failures=0):
        self.name, self.failures, self.made = name, failures, 0

    def make(self, settings):
        if self.failures:
            self.failures -= 1
            raise SettingsError(f"lms.{self.name}.bucket: required")
        self.made += 1
        return self


def storages(settings, *backends):
    return Storages([StorageBackend(each.name, each.make) for each in backends], settings)


def test_the_default_is_made_at_the_start_and_others_when_they_are_asked_for(settings):
    local, attic = Counted("local"), Counted("attic")
    known = storages(settings, local, attic)
    assert known.default() is known.of("local") is local
    assert (local.made, attic.made) == (1, 0)
    assert known.of("attic") is known.of("attic") is attic
    assert (local.made, attic.made) == (1, 1)
    assert known.names == ("attic", "local")


def test_an_unknown_backend_stops_the_start(settings):
    with pytest.raises(SettingsError, match=r"^lms\.storage\.backend: no storage backend is named floppy$"):
        storages(settings.replace(lms__storage__backend="floppy"), Counted("local")).default()


def test_a_backend_that_is_not_set_up_stops_the_start_where_it_is_chosen(settings):
    known = storages(settings, Counted("local", failures=1))
    with pytest.raises(SettingsError, match=r"^lms\.local\.bucket: required$"):
        known.default()


def test_two_backends_of_one_name_stop_the_start(settings):
    with pytest.raises(SettingsError, match="two plugins bring a storage backend named attic"):
        storages(settings, Counted("attic"), Counted("attic"))


@pytest.mark.parametrize("provider", ["attic", "floppy"])
def test_a_file_whose_backend_is_not_there_is_unavailable_and_the_log_says_which(settings, provider):
    known = storages(settings, Counted("attic", failures=1))
    with capture_logs() as logged, pytest.raises(StorageUnavailable):
        known.of(provider)
    [line] = logged
    assert (line["event"], line["log_level"], line["provider"]) == ("storage_not_set_up", "error", provider)
    assert line["reason"]


def test_the_application_keeps_files_on_the_disk_by_default(registry, settings):
    key = new_key()
    registry.storage.put(key, io.BytesIO(b"a"))
    assert registry.storage is registry.storages.of("local")
    assert (settings.data / "files" / key[:2] / key).read_bytes() == b"a"


def test_a_file_is_recorded_by_its_content(core, storage, owner):
    with core.transaction() as db:
        made = store_file(
            db,
            storage,
            uploaded_by=owner,
            name="../a\0.exe",
            stream=io.BytesIO(CONTENT),
            max_bytes=len(CONTENT),
            scan=False,
        )
    with core.transaction() as db:
        row = db.scalars(select(FileUpload).where(FileUpload.id == made.id)).one()
    assert (row.file_name, row.mime_type, row.file_type) == ("a.exe", "application/pdf", "document")
    assert (row.file_size, row.storage_provider) == (len(CONTENT), "local")
    assert (row.virus_scanned, row.virus_scan_result) == (False, "skipped")
    with storage.open(row.storage_path) as stream:
        assert stream.read() == CONTENT


def test_a_file_over_the_limit_leaves_nothing(core, storage, owner, tmp_path):
    with pytest.raises(TooLarge), core.transaction() as db:
        store_file(
            db, storage, uploaded_by=owner, name="a", stream=io.BytesIO(CONTENT), max_bytes=len(CONTENT) - 1, scan=False
        )
    assert files_in(tmp_path) == []
    with core.transaction() as db:
        assert db.scalar(select(func.count()).select_from(FileUpload)) == 0


def put(db, storage, owner):
    return store_file(
        db, storage, uploaded_by=owner, name="a", stream=io.BytesIO(b"a"), max_bytes=1, scan=False
    ).storage_path


class Undo(Exception):
    pass


@contextmanager
def undone(transaction):
    """The transaction, or savepoint, fails when all in it is done."""
    with suppress(Undo), transaction as db:
        yield db
        raise Undo


def test_a_rollback_takes_the_object_along(core, storage, owner):
    with undone(core.transaction()) as db:
        key = put(db, storage, owner)
        assert storage.exists(key)
    assert not storage.exists(key)


def test_a_session_that_is_closed_without_a_commit_takes_it_along(core, storage, owner):
    db = Session(core.engine)
    key = put(db, storage, owner)
    db.close()
    assert not storage.exists(key)


@pytest.mark.parametrize("end", ["commit", "abort"])
def test_a_request_keeps_it_only_if_it_succeeds(core, storage, owner, end):
    manager = TransactionManager(explicit=True)
    manager.begin()
    key = put(core.request_sessions(info={"tm": manager}), storage, owner)
    getattr(manager, end)()
    assert storage.exists(key) == (end == "commit")


def test_a_savepoint_takes_its_own_along_and_no_other(core, storage, owner):
    with core.transaction() as db:
        before = put(db, storage, owner)
        with undone(db.begin_nested()):
            within = put(db, storage, owner)
        assert not storage.exists(within)
        with db.begin_nested():
            kept = put(db, storage, owner)
    assert storage.exists(before)
    assert storage.exists(kept)


def test_a_released_savepoint_goes_with_the_transaction(core, storage, owner):
    with undone(core.transaction()) as db:
        with db.begin_nested():
            key = put(db, storage, owner)
        assert storage.exists(key)
    assert not storage.exists(key)


def test_a_savepoint_left_open_at_commit_is_committed(core, storage, owner):
    with core.transaction() as db:
        db.begin_nested()
        key = put(db, storage, owner)
    assert storage.exists(key)


def test_a_session_used_again_keeps_what_was_committed(core, storage, owner):
    with Session(core.engine) as db:
        first = put(db, storage, owner)
        db.commit()
        second = put(db, storage, owner)
        db.rollback()
    assert storage.exists(first)
    assert not storage.exists(second)


def test_a_row_that_cannot_be_written_leaves_no_object(core, storage, tmp_path):
    with pytest.raises(Exception, match="foreign key"), core.transaction() as db:
        put(db, storage, "00000000-0000-4000-8000-000000000000")
    assert files_in(tmp_path) == []


def test_an_object_that_cannot_be_deleted_does_not_hide_why(core, storage, owner, tmp_path):
    key = new_key()
    (tmp_path / "store" / key[:2] / key).mkdir(parents=True)
    with undone(core.transaction()) as db:
        db.connection()
        delete_on_rollback(db, storage, key)
