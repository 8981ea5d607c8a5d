"""The local storage owes what every storage owes, and leaves its disk tidy."""

import datetime as dt
import io
import os
import subprocess
import sys
from pathlib import Path

import pytest
from lms_plugins.storage_local.storage import LocalStorage

from lms_core.files.storage import new_key
from lms_core.plugin_api import Storage, StorageUnavailable
from lms_core.testing.storages import CONTENT, StorageConformance, content_of

KILLED = """
import os, signal, sys
from pathlib import Path
from lms_plugins.storage_local.storage import LocalStorage

class Killing:
    def read(self, size, /):
        self.read = lambda size: os.kill(os.getpid(), signal.SIGKILL)
        return b"half"

LocalStorage(Path(sys.argv[1])).put(sys.argv[2], Killing())
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "store"


@pytest.fixture
def storage(root: Path) -> LocalStorage:
    return LocalStorage(root)


class TestLocal(StorageConformance):
    @pytest.fixture
    def storage(self, root: Path) -> Storage:
        return LocalStorage(root)

    @pytest.fixture
    def down(self, tmp_path: Path) -> Storage:
        """Its folder is none."""
        (tmp_path / "file").write_bytes(b"")
        return LocalStorage(tmp_path / "file")


def files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_an_object_is_a_file_by_its_key(storage: LocalStorage, root: Path) -> None:
    key = new_key()
    storage.put(key, io.BytesIO(CONTENT))
    assert files_in(root) == [root / key[:2] / key]
    assert root.stat().st_mode & 0o777 == 0o700
    storage.delete(key)
    assert files_in(root) == []


def test_what_is_no_object_is_not_listed(storage: LocalStorage, root: Path) -> None:
    storage.put(new_key(), io.BytesIO(b"a"))
    (root / "notes.txt").write_text("mine")
    (root / "aa").mkdir(exist_ok=True)
    (root / "aa" / "notes.txt").write_text("mine")
    assert [found.size for found in storage.objects()] == [1]


def test_a_process_that_is_killed_leaves_a_draft_that_is_swept_when_it_is_old(
    storage: LocalStorage, root: Path
) -> None:
    key = new_key()
    subprocess.run([sys.executable, "-c", KILLED, str(root), key], check=False)
    [draft] = files_in(root)
    assert not storage.exists(key)
    assert list(storage.objects()) == []

    hour = dt.timedelta(hours=1)
    assert storage.sweep(dt.datetime.now(dt.UTC) - hour) == 0
    os.utime(draft, (0, 0))
    assert storage.sweep(dt.datetime.now(dt.UTC) - hour) == 1
    assert files_in(root) == []


def test_a_full_disk_is_unavailable_and_leaves_nothing(root: Path) -> None:
    """A limit on the size of files is what a full disk is to the program."""
    limited = (
        "import io, resource, signal, sys\nfrom pathlib import Path\n"
        "from lms_plugins.storage_local.storage import LocalStorage\n"
        "from lms_core.plugin_api import StorageUnavailable\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))\n"
        "try:\n    LocalStorage(Path(sys.argv[1])).put('a' * 32, io.BytesIO(bytes(1_000_000)))\n"
        "except StorageUnavailable as error:\n    print(type(error.__cause__).__name__)\n"
    )
    done = subprocess.run([sys.executable, "-c", limited, str(root)], capture_output=True, text=True, check=True)
    assert done.stdout == "OSError\n"
    assert files_in(root) == []


def test_an_object_that_a_folder_stands_in_for_is_unavailable(storage: LocalStorage, root: Path) -> None:
    key = new_key()
    (root / key[:2] / key).mkdir(parents=True)
    assert not storage.exists(key)
    with pytest.raises(StorageUnavailable):
        content_of(storage, key)
    with pytest.raises(StorageUnavailable):
        storage.delete(key)
