"""Moving files between backends: nothing is lost and nothing stays twice, whoever is killed at whatever point."""

import io
import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from lms_plugins.storage_local.storage import LocalStorage
from sqlalchemy import select, text, update
from sqlalchemy.exc import OperationalError

from lms_core.cli import bootstrap
from lms_core.files import objects
from lms_core.files.models import FileUpload, Upload, UploadPart
from lms_core.files.moving import Move
from lms_core.files.objects import object_locks
from lms_core.files.storage import StorageUnavailable
from lms_core.testing.storages import content_of

INI = Path(bootstrap.__file__).parents[2] / "development.ini"


@pytest.fixture
def local(storages):
    return storages.of("local")


@pytest.fixture
def distant(storages):
    return storages.of("gcs")


@pytest.fixture
def files(stored, student):
    """``files(5)`` -> the content of new files by their ids."""

    def make(count, size=10_000):
        contents = [bytes([number]) * (size + number) for number in range(count)]
        return {stored(student, content, f"{number}.bin").id: content for number, content in enumerate(contents)}

    return make


@pytest.fixture
def rows(core):
    """``rows()`` -> the rows by their ids."""

    def read():
        with core.transaction() as db:
            return {row.id: row for row in db.scalars(select(FileUpload))}

    return read


@pytest.fixture
def whole(storages, rows):
    """``whole(files, "gcs")``: each file is there, once, and in no other place."""

    def check(files, place):
        named = rows()
        assert {row.storage_provider for row in named.values()} == ({place} if files else set())
        keys = sorted(row.storage_path for row in named.values())
        held = {name: [found.key for found in storages.of(name).objects()] for name in storages.names}
        assert held == {name: (keys if name == place else []) for name in storages.names}
        for file_id, content in files.items():
            assert content_of(storages.of(place), named[file_id].storage_path) == content

    return check


def test_everything_is_moved_and_nothing_stays(core, local, distant, files, whole):
    moved = files(7)
    heard = []
    done = Move(core, local, distant).run(heard.append)
    assert (done.files, done.bytes, done.failed) == (7, sum(map(len, moved.values())), [])
    assert len(heard) == 7
    whole(moved, "gcs")
    again = Move(core, local, distant).run()
    assert (again.files, again.removed, again.failed) == (0, 0, [])
    assert Move(core, distant, local).run().files == 7
    whole(moved, "local")


def test_more_files_than_are_read_at_once(core, local, distant, files, whole, monkeypatch):
    monkeypatch.setattr(objects, "BATCH", 3)
    moved = files(9)
    assert Move(core, local, distant).run().files == 9
    whole(moved, "gcs")


def test_a_deleted_file_is_moved_as_long_as_it_is_kept(core, local, distant, files, whole):
    moved = files(2)
    forget(core, *moved)
    assert Move(core, local, distant).run().files == 2
    whole(moved, "gcs")


def forget(core, *file_ids):
    with core.transaction() as db:
        db.execute(update(FileUpload).where(FileUpload.id.in_(file_ids)).values(deleted_at=core.clock()))


def test_what_another_table_names_is_moved_too(core, local, distant, student):
    key = os.urandom(16).hex()
    local.put(key, io.BytesIO(b"12345"))
    with core.transaction() as db:
        upload = Upload(user_id=student.id, file_name="a", details="", length=10, expires_at=core.clock())
        db.add(upload)
        db.flush()
        db.add(UploadPart(upload_id=upload.id, start=0, size=5, storage_provider="local", storage_path=key))
    done = Move(core, local, distant).run()
    assert (done.files, done.bytes, done.failed) == (1, 5, [])
    with core.transaction() as db:
        assert db.scalars(select(UploadPart.storage_provider)).all() == ["gcs"]
    assert content_of(distant, key) == b"12345"
    assert not local.exists(key)


def test_what_cannot_be_moved_is_named_and_the_rest_is_moved(core, local, distant, files, rows, settings):
    moved = files(4)
    lost, damaged, gone, sound = (rows()[each] for each in moved)
    for row in (lost, gone):
        local.delete(row.storage_path)
    forget(core, gone.id)
    path = settings.data / "files" / damaged.storage_path[:2] / damaged.storage_path
    path.write_bytes(b"?" + path.read_bytes()[1:])

    done = Move(core, local, distant).run()

    assert dict(done.failed) == {
        f"0.bin ({lost.storage_path})": "the object is not in local",
        f"1.bin ({damaged.storage_path})": "the object in local is damaged: it does not have the checksum of its row",
    }
    assert done.files == 1
    assert [found.key for found in distant.objects()] == [sound.storage_path]
    assert local.exists(damaged.storage_path)
    assert rows()[damaged.id].storage_provider == "local"


# Other backends than those that ship, each with something that happens in the middle.


class Attic(LocalStorage):
    """Another folder; ``after_put(key)`` is called when an object is there and before its row says so."""

    name = "attic"

    def __init__(self, root, after_put=lambda key: None):
        super().__init__(root)
        self._after_put = after_put

    def put(self, key, stream):
        stored = super().put(key, stream)
        self._after_put(key)
        return stored


def test_a_copy_that_is_not_what_was_sent_is_not_trusted(core, local, files, rows, settings):
    moved = files(1)
    [row] = rows().values()

    def damage(key):
        path = settings.data / "attic" / key[:2] / key
        path.write_bytes(path.read_bytes()[:-1])

    attic = Attic(settings.data / "attic", damage)
    done = Move(core, local, attic).run()
    assert done.failed == [(f"0.bin ({row.storage_path})", "the copy in attic is not what was sent")]
    assert list(attic.objects()) == []
    assert content_of(local, row.storage_path) == moved[row.id]
    assert rows()[row.id].storage_provider == "local"


def test_a_file_that_is_purged_meanwhile_leaves_no_copy(core, local, files, settings):
    files(1)

    def purge(_key):
        with core.transaction() as db:
            db.execute(FileUpload.__table__.delete())

    attic = Attic(settings.data / "attic", purge)
    done = Move(core, local, attic).run()
    assert (done.files, done.failed) == (0, [])
    assert list(attic.objects()) == []


def test_whoever_loses_the_lock_changes_nothing(core, local, files, rows, settings):
    """The database ends the session that holds it: somebody else may move the object now."""
    moved = files(1)

    def end_sessions(_key):
        with core.transaction() as db:
            ended = text(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_locks"
                " WHERE locktype = 'advisory' AND pid <> pg_backend_pid()"
                " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
            )
            assert db.execute(ended).scalar_one() == 1

    with pytest.raises(OperationalError):
        Move(core, local, Attic(settings.data / "attic", end_sessions)).run()
    [row] = rows().values()
    assert row.storage_provider == "local"
    assert content_of(local, row.storage_path) == moved[row.id]
    # And the next run goes on from there.
    attic = Attic(settings.data / "attic")
    assert Move(core, local, attic).run().files == 1
    assert content_of(attic, row.storage_path) == moved[row.id]


def test_what_somebody_else_is_moving_is_left_to_them(core, local, distant, files, rows):
    first, second = files(2)
    with object_locks(core) as others, others.hold(rows()[first].storage_path):
        done = Move(core, local, distant).run()
    assert (done.files, done.busy) == (1, 1)
    assert {each: row.storage_provider for each, row in rows().items()} == {first: "local", second: "gcs"}


# Several at once.


def test_two_runs_share_the_work_and_downloads_go_on(core, local, distant, files, whole, student):
    moved, ended = files(25, size=300_000), threading.Event()

    def read():
        """Until both have ended, and then once more."""
        rounds = 0
        while not (last := ended.is_set()) or rounds == 0:
            for file_id, content in moved.items():
                assert student.client.get(f"/api/v1/files/{file_id}/content").body == content
            rounds += 1
            if last:
                break
        return rounds

    with ThreadPoolExecutor(3) as pool:
        reading = pool.submit(read)
        runs = [pool.submit(Move(core, local, distant).run) for _each in range(2)]
        done = [run.result() for run in runs]
        ended.set()
        assert reading.result() >= 1
    assert sum(each.files for each in done) == 25
    assert [each.failed for each in done] == [[], []]
    whole(moved, "gcs")


def test_two_runs_in_opposite_directions_lose_nothing(core, local, distant, files, whole):
    moved = files(15)
    Move(core, local, distant).run()
    more = files(15)
    with ThreadPoolExecutor(2) as pool:
        runs = [pool.submit(Move(core, *pair).run) for pair in ((local, distant), (distant, local))]
        assert [run.result().failed for run in runs] == [[], []]
    Move(core, local, distant).run()
    whole({**moved, **more}, "gcs")


# When a backend goes away.


def test_a_backend_that_goes_away_is_given_up_and_the_next_run_goes_on(
    core, local, distant, files, whole, gcs_proxy, monkeypatch
):
    from lms_plugins.storage_gcs import storage

    monkeypatch.setitem(distant._options, "retry", storage._RETRY.with_timeout(0.2))
    moved = files(12)
    gcs_proxy.cut_after(45_000)
    done = Move(core, local, distant).run()
    assert done.gave_up
    assert 0 < done.files < 12
    assert len(done.failed) == 5
    gcs_proxy.restore()
    again = Move(core, local, distant).run()
    assert (again.files, again.failed) == (12 - done.files, [])
    whole(moved, "gcs")


# When the process is killed. What it was about to do is told by what it was about to send.


@pytest.fixture
def migrate(settings, gcs_settings):
    """``migrate("local", "gcs")`` starts the command in a process of its own."""
    variables = {name.replace(".", "_").upper(): value for name, value in gcs_settings.items()}
    environ = {**os.environ, **settings.as_environ(), **variables}
    started = []

    def start(source, target):
        # Whatever starts the tests in the background has SIGINT ignored, and children inherit that.
        heeding = ["env", "--default-signal=INT", sys.executable]
        command = [*heeding, "-m", "lms_core.cli", "storage", "migrate", "--from", source, "--to", target]
        place = ["--ini", str(INI), "--data", str(settings.data)]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        started.append(subprocess.Popen([*command, *place], env=environ, **pipes))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.mark.parametrize(
    ("source", "target", "about_to"),
    [
        ("local", "gcs", b"POST /upload"),
        ("local", "gcs", b"GET /download"),
        ("gcs", "local", b"GET /download"),
        ("gcs", "local", b"DELETE "),
    ],
    ids=["store", "compare", "read", "remove"],
)
def test_whoever_is_killed_leaves_nothing_behind(
    core, storages, files, whole, rows, gcs_proxy, migrate, source, target, about_to
):
    moved = files(3)
    if source == "gcs":
        Move(core, storages.of("local"), storages.of("gcs")).run()
    gcs_proxy.hold_on(about_to)
    process = migrate(source, target)
    assert gcs_proxy.reached.wait(60), process.communicate()
    process.send_signal(signal.SIGKILL)
    process.wait()
    gcs_proxy.lose()
    gcs_proxy.release()
    # Each file can be read, at any time.
    for file_id, row in rows().items():
        assert content_of(storages.of(row.storage_provider), row.storage_path) == moved[file_id]

    done = Move(core, storages.of(source), storages.of(target)).run()
    assert done.failed == []
    assert done.removed == (1 if about_to == b"DELETE " else 0)
    whole(moved, target)


def test_whoever_interrupts_it_is_told_what_was_done(files, whole, gcs_proxy, migrate):
    moved = files(3)
    gcs_proxy.hold_on(b"POST /upload")
    process = migrate("local", "gcs")
    assert gcs_proxy.reached.wait(60)
    process.send_signal(signal.SIGINT)
    gcs_proxy.release()
    output, _none = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "Moved to gcs: 0 files, 0 bytes" in output
    assert "Aborted!" in output

    process = migrate("local", "gcs")
    output, _none = process.communicate(timeout=60)
    assert process.returncode == 0, output
    assert "Moved to gcs: 3 files" in output
    assert "New files still go to local" in output
    whole(moved, "gcs")


def test_the_target_is_asked_before_anything_is_removed(core, local, files, rows, down):
    files(1)
    done = Move(core, local, down).run()
    assert len(done.failed) == 1
    [row] = rows().values()
    assert local.exists(row.storage_path)


@pytest.fixture
def down(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    storage = Attic(tmp_path / "file")
    with pytest.raises(StorageUnavailable):
        storage.exists("a" * 32)
    return storage
