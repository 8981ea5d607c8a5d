"""What is missing, what is damaged, and what nobody names: found, and removed only where that is safe."""

import dataclasses
import datetime as dt
import io
import os

import pytest
from lms_plugins.storage_local.storage import LocalStorage
from sqlalchemy import select, update
from structlog.testing import capture_logs

from lms_core.files import checking, objects
from lms_core.files.checking import check, find_orphans, remove_leftovers, remove_orphans
from lms_core.files.models import FileUpload, Upload, UploadPart
from lms_core.files.objects import holdings, object_locks
from lms_core.files.storage import StorageUnavailable, new_key
from lms_core.kernel.tasks import TaskContext

DAY = dt.timedelta(days=1)


@pytest.fixture
def local(storages):
    return storages.of("local")


@pytest.fixture
def orphan(local, settings):
    """``orphan(days=2)`` -> the key of an object that no row names and that is so old."""

    def make(content=b"orphan", **age):
        key = new_key()
        local.put(key, io.BytesIO(content))
        stored_at = (dt.datetime.now(dt.UTC) - dt.timedelta(**age)).timestamp()
        os.utime(settings.data / "files" / key[:2] / key, (stored_at, stored_at))
        return key

    return make


@pytest.fixture
def path_of(settings):
    return lambda row: settings.data / "files" / row.storage_path[:2] / row.storage_path


def test_where_all_is_well_nothing_is_found(core, local, stored, student):
    for number in range(3):
        stored(student, bytes(number))
    found = check(core, local, content=True)
    assert (found.objects, found.missing, found.damaged, found.orphans, found.young) == (3, [], [], [], 0)


def test_what_is_missing_or_damaged_is_found_by_name(core, local, stored, student, path_of):
    lost, cut, changed = (stored(student, b"content", f"{name}.txt") for name in ("lost", "cut", "changed"))
    stored(student, b"content", "sound.txt")
    local.delete(lost.storage_path)
    path_of(cut).write_bytes(b"con")
    path_of(changed).write_bytes(b"CONTENT")
    found = check(core, local)
    assert [(each.name, each.key) for each in found.missing] == [("lost.txt", lost.storage_path)]
    assert [(each.name, how) for each, how in found.damaged] == [("cut.txt", "has 3 bytes instead of 7")]
    more = {each.name: how for each, how in check(core, local, content=True).damaged}
    assert more == {
        "cut.txt": "has 3 bytes instead of 7", "changed.txt": "does not have the checksum of its row"
    }  # fmt: skip


def test_nobody_misses_what_is_deleted(core, local, stored, student):
    file = stored(student)
    local.delete(file.storage_path)
    with core.transaction() as db:
        db.execute(update(FileUpload).values(deleted_at=core.clock()))
    assert check(core, local).missing == []


def test_more_rows_and_objects_than_are_read_at_once(core, local, stored, student, orphan, monkeypatch):
    monkeypatch.setattr(objects, "BATCH", 3)
    rows = [stored(student, bytes(number)) for number in range(12)]
    orphans = sorted(orphan(days=2) for _each in range(8))
    for row in rows[::4]:
        local.delete(row.storage_path)
    found = check(core, local)
    assert [each.key for each in found.missing] == sorted(row.storage_path for row in rows[::4])
    assert [each.key for each in found.orphans] == orphans
    assert found.objects == 17


def test_what_another_table_names_is_no_orphan(core, local, orphan, student):
    """Parts of uploads that are under way."""
    kept, lost = orphan(b"12345", days=2), new_key()
    with core.transaction() as db:
        upload = Upload(user_id=student.id, file_name="a", details="", length=10, expires_at=core.clock() + DAY)
        db.add(upload)
        db.flush()
        for start, key in ((0, kept), (5, lost)):
            part = UploadPart(upload_id=upload.id, start=start, size=5, storage_provider="local", storage_path=key)
            db.add(part)
    found = check(core, local, content=True)
    assert (found.orphans, found.damaged) == ([], [])
    assert [(each.name, each.key, each.size) for each in found.missing] == [("upload_parts", lost, 5)]
    with core.reader() as connection:
        assert [(each.rows, each.bytes) for each in holdings(connection)] == [(2, 10)]


def test_only_what_is_old_is_an_orphan(core, local, orphan, stored, student):
    old, young = orphan(hours=25), orphan(hours=23)
    stored(student)
    found = check(core, local)
    assert [each.key for each in found.orphans] == [old]
    assert found.young == 1
    assert remove_orphans(core, local, found.orphans) == 1
    assert not local.exists(old)
    assert local.exists(young)


def test_a_file_whose_row_is_not_committed_yet_is_never_touched(core, registry, local, student, run_periodic):
    with core.transaction() as db:
        key = new_key()
        local.put(key, io.BytesIO(b"a"))
        db.add(row_of(student, key))
        db.flush()
        run_periodic("files.leftovers")
        assert local.exists(key)
    assert check(core, local).missing == []


def row_of(student, key):
    return FileUpload(
        uploaded_by=student.id, file_name="a", file_size=1, file_type="text", mime_type="text/plain",
        checksum="ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb", storage_path=key,
    )  # fmt: skip


def test_an_orphan_that_has_got_a_row_is_kept(core, local, orphan, student):
    """A restore, say, between the listing and the removal."""
    kept, removed = orphan(b"a", days=2), orphan(b"a", days=2)
    found = find_orphans(core, local)
    with core.transaction() as db:
        db.add(row_of(student, kept))
    assert remove_orphans(core, local, found.orphans) == 1
    assert local.exists(kept)
    assert not local.exists(removed)


def test_an_orphan_that_somebody_is_moving_is_kept(core, local, orphan):
    key = orphan(days=2)
    found = find_orphans(core, local)
    with object_locks(core) as others, others.hold(key):
        assert remove_orphans(core, local, found.orphans) == 0
    assert local.exists(key)
    assert remove_orphans(core, local, found.orphans) == 1


def test_what_changes_during_a_check_is_no_failure(core, settings, stored, student):
    """Files that are deleted for good, or come, between the listing of the rows and that of the objects."""

    class Changing(LocalStorage):
        def objects(self):
            with core.transaction() as db:
                gone = db.scalars(select(FileUpload).where(FileUpload.file_name == "gone")).one()
                db.delete(gone)
            self.delete(gone.storage_path)
            stored(student, b"new", "new")
            return super().objects()

    stored(student, b"gone", "gone")
    stored(student, b"here", "here")
    found = check(core, Changing(settings.data / "files"), content=True)
    assert (found.missing, found.damaged, found.orphans) == ([], [], [])


# By itself.


def leftovers(core, registry, **later):
    """What the periodic task does, so much later."""
    at = dataclasses.replace(core, clock=lambda: core.clock() + dt.timedelta(**later))
    try:
        with capture_logs() as logged:
            remove_leftovers(TaskContext(registry, at))
        return logged
    finally:
        at.readers.dispose()


def test_what_crashed_uploads_have_left_goes_in_every_backend(
    core, registry, storages, orphan, stored, student, settings
):
    file, old, distant = stored(student), orphan(days=2), storages.of("gcs")
    with core.transaction() as db:
        key = new_key()
        row = row_of(student, key)
        row.storage_provider = "gcs"
        db.add(row)
    left = new_key()
    for each in (key, left):
        distant.put(each, io.BytesIO(b"a"))
    draft = settings.data / "files" / "incoming" / f"{new_key()}.x"
    draft.write_bytes(b"half")

    logged = leftovers(core, registry, days=2)

    assert not registry.storage.exists(old)
    assert registry.storage.exists(file.storage_path)
    assert not draft.exists()
    assert [each.key for each in distant.objects()] == [key]
    assert [(each["event"], each["provider"], each["orphans"], each["unfinished"]) for each in logged] == [
        ("leftovers_removed", "gcs", 1, 0), ("leftovers_removed", "local", 1, 1)
    ]  # fmt: skip


def test_so_many_orphans_are_no_accident(core, registry, orphan, stored, student, monkeypatch, local):
    """The bucket of another installation, or a database from before these files."""
    monkeypatch.setattr(checking, "SUSPICIOUS", (2, 2))
    stored(student)
    keys = [orphan(days=2) for _each in range(3)]
    [line] = leftovers(core, registry)
    assert (line["event"], line["log_level"], line["orphans"], line["objects"]) == ("orphans_suspicious", "error", 3, 4)
    assert all(local.exists(key) for key in keys)
    for number in range(10):
        stored(student, bytes(number))
    assert leftovers(core, registry)[0]["event"] == "leftovers_removed"
    assert not any(local.exists(key) for key in keys)


def test_a_backend_that_is_down_keeps_nothing_else_from_being_tidied(
    core, registry, storages, orphan, student, gcs_proxy
):
    from lms_plugins.storage_gcs import storage

    storages.of("gcs")._options["retry"] = storage._RETRY.with_timeout(0.2)
    with core.transaction() as db:
        row = row_of(student, new_key())
        row.storage_provider = "gcs"
        db.add(row)
    old = orphan(days=2)
    gcs_proxy.cut()
    logged = leftovers(core, registry)
    assert [each["event"] for each in logged if each.get("provider")] == ["leftovers_not_removed", "leftovers_removed"]
    assert not registry.storage.exists(old)


def test_it_runs_every_day(registry, run_periodic, orphan, local):
    key = orphan(days=2)
    run_periodic("files.leftovers")
    assert registry.periodic_tasks["files.leftovers"].every == DAY.total_seconds()
    assert not local.exists(key)


def test_a_backend_that_does_not_answer_is_no_empty_one(core, storages, gcs_proxy, stored, student):
    from lms_plugins.storage_gcs import storage

    storages.of("gcs")._options["retry"] = storage._RETRY.with_timeout(0.2)
    gcs_proxy.cut()
    with pytest.raises(StorageUnavailable):
        check(core, storages.of("gcs"))


def test_what_each_backend_holds(core, stored, student):
    for size in (3, 4):
        stored(student, bytes(size))
    with core.transaction() as db:
        row = row_of(student, new_key())
        row.storage_provider = "attic"
        db.add(row)
    with core.reader() as connection:
        found = [(each.provider, each.rows, each.bytes) for each in holdings(connection)]
    assert found == [("attic", 1, 1), ("local", 2, 7)]
