"""``lms storage``: what it prints, and with which exit code it ends."""

import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest
from click.testing import CliRunner, Result
from sqlalchemy import update

from lms_core.cli import bootstrap, main
from lms_core.courses.exchange.models import CourseExport
from lms_core.files.checking import remove_leftovers
from lms_core.files.models import FileUpload
from lms_core.files.service import store_file
from lms_core.files.storage import new_key
from lms_core.kernel.core import Core
from lms_core.kernel.tasks import TaskContext
from lms_core.settings import Settings
from lms_core.testing.accounts import make_user
from lms_core.testing.courses import make_course
from lms_core.testing.network import closed_port
from lms_core.testing.services import GCS, S3

INI = Path(bootstrap.__file__).parents[2] / "development.ini"
Lms = Callable[..., Result]


@pytest.fixture
def lms(settings: Settings) -> Lms:
    def run(*arguments: str, **environ: str) -> Result:
        place = ["--ini", str(INI), "--data", str(settings.data)]
        return CliRunner().invoke(main, ["storage", *arguments, *place], env={**settings.as_environ(), **environ})

    return run


@pytest.fixture
def file(core: Core, registry: Any) -> FileUpload:
    owner = make_user(core).id
    with core.transaction() as db:
        return store_file(
            db, registry.storage, uploaded_by=owner, name="words.txt", stream=io.BytesIO(b"Some words."), max_bytes=100,
            scan=False,
        )  # fmt: skip


def test_backends_are_listed_with_what_they_hold(lms: Lms, file: FileUpload, core: Core, gcs: GCS) -> None:
    down = f"http://127.0.0.1:{closed_port()}"
    listed = lms("list", LMS_GCS_BUCKET=gcs.bucket, LMS_GCS_ENDPOINT=gcs.url, LMS_S3_BUCKET="b", LMS_S3_ENDPOINT=down)
    lines = [line.split("\t") for line in listed.stdout.splitlines()]
    assert [line[:2] for line in lines] == [["gcs", ""], ["local", "new files"], ["s3", ""]]
    assert [line[3:] for line in lines] == [["0", "0"], ["1", "11"], ["0", "0"]]
    assert [line[2] for line in lines[:2]] == ["ready", "ready"]
    assert lines[2][2].startswith("does not answer: ")
    assert listed.exit_code == 0

    with core.transaction() as db:
        db.execute(update(FileUpload).values(storage_provider="attic"))
    lines = [line.split("\t") for line in lms("list").stdout.splitlines()]
    assert [line[0] for line in lines] == ["attic", "gcs", "local", "s3"]
    assert lines[0][2:] == ["not set up: no storage backend is named attic; there are gcs, local, s3", "1", "11"]
    assert lines[3][2] == "not set up: lms.s3.bucket: the storage backend s3 needs the name of a bucket"


def test_a_sound_installation_passes_the_check(lms: Lms, file: FileUpload) -> None:
    checked = lms("check", "--content")
    assert (checked.exit_code, checked.output) == (0, "local: 1 files, 1 objects, 0 orphans of 0 bytes\n")


def test_an_export_without_a_file_is_in_no_backend(lms: Lms, core: Core, registry: Any) -> None:
    """Be it that it is still to be written, or that it has failed: the periodic task is to go on, too."""
    owner = make_user(core, groups=["instructor"]).id
    course = make_course(core, owner)
    with core.transaction() as db:
        db.add(CourseExport(course_id=course.id, requested_by=owner, format="common_cartridge"))
    assert [line.split("\t")[0] for line in lms("list").stdout.splitlines()] == ["gcs", "local", "s3"]
    checked = lms("check")
    assert (checked.exit_code, checked.output) == (0, "local: 0 files, 0 objects, 0 orphans of 0 bytes\n")
    remove_leftovers(TaskContext(registry, core))


def test_what_is_wrong_is_named_and_ends_with_1(lms: Lms, file: FileUpload, registry: Any) -> None:
    registry.storage.delete(file.storage_path)
    checked = lms("check")
    assert checked.exit_code == 1
    assert f"local: missing: words.txt ({file.storage_path})\n" in checked.stdout
    assert checked.stderr == "lms: not every file is whole and in its place\n"


def test_files_out_of_reach_are_said_to_be(lms: Lms, file: FileUpload, core: Core) -> None:
    with core.transaction() as db:
        db.execute(update(FileUpload).values(storage_provider="s3"))
    checked = lms("check")
    assert checked.exit_code == 1
    assert checked.stdout.splitlines() == [
        "local: 0 files, 1 objects, 0 orphans of 0 bytes",
        "s3: 1 files are out of reach: lms.s3.bucket: the storage backend s3 needs the name of a bucket",
    ]
    assert lms("check", "--backend", "local").exit_code == 0


def test_a_backend_that_does_not_answer_fails_the_check(lms: Lms) -> None:
    down = f"http://127.0.0.1:{closed_port()}"
    keys = {"LMS_S3_ACCESS_KEY": "a", "LMS_S3_SECRET_KEY": "b"}
    checked = lms("check", "--backend", "s3", LMS_S3_BUCKET="b", LMS_S3_ENDPOINT=down, **keys)
    assert checked.exit_code == 1
    assert checked.stdout.startswith("s3: does not answer: Could not connect")


def test_orphans_are_removed_where_that_is_asked_for(lms: Lms, registry: Any, settings: Settings) -> None:
    old, young = new_key(), new_key()
    for key in (old, young):
        registry.storage.put(key, io.BytesIO(b"12345"))
    os.utime(settings.data / "files" / old[:2] / old, (0, 0))
    assert lms("check").stdout == "local: 0 files, 2 objects, 1 orphans of 5 bytes\n"
    assert registry.storage.exists(old)
    removed = lms("check", "--delete-orphans")
    assert removed.stdout.endswith("local: removed 1 orphans\n")
    assert removed.exit_code == 0
    assert [registry.storage.exists(key) for key in (old, young)] == [False, True]


def test_files_are_moved(lms: Lms, file: FileUpload, gcs: GCS, core: Core) -> None:
    place = {"LMS_GCS_BUCKET": gcs.bucket, "LMS_GCS_ENDPOINT": gcs.url, "LMS_GCS_PREFIX": f"{new_key()}/"}
    moved = lms("migrate", "--from", "local", "--to", "gcs", **place)
    assert (moved.exit_code, moved.stdout.splitlines()) == (
        0,
        ["Moved to gcs: 1 files, 11 bytes", "New files still go to local: lms.storage.backend says so."],
    )
    assert lms("check", "--content", **place).stdout.splitlines() == [
        "gcs: 1 files, 1 objects, 0 orphans of 0 bytes",
        "local: 0 files, 0 objects, 0 orphans of 0 bytes",
    ]
    back = lms("migrate", "--from", "gcs", "--to", "local", **place)
    assert back.stdout == "Moved to local: 1 files, 11 bytes\n"


def test_files_are_moved_to_s3_and_back(lms: Lms, file: FileUpload, s3: S3) -> None:
    session = boto3.session.Session(s3.access_key, s3.secret_key, region_name="us-east-1")
    bucket = session.resource("s3", endpoint_url=s3.url).create_bucket(Bucket=f"lms-{new_key()}")
    place = {
        "LMS_S3_BUCKET": bucket.name, "LMS_S3_ENDPOINT": s3.url, "LMS_S3_ACCESS_KEY": s3.access_key,
        "LMS_S3_SECRET_KEY": s3.secret_key,
    }  # fmt: skip
    try:
        assert lms("migrate", "--from", "local", "--to", "s3", **place).exit_code == 0
        assert [found.key for found in bucket.objects.all()] == [file.storage_path]
        assert "s3: 1 files, 1 objects, 0 orphans" in lms("check", "--content", **place).stdout
        assert lms("migrate", "--from", "s3", "--to", "local", **place).stdout == "Moved to local: 1 files, 11 bytes\n"
        assert list(bucket.objects.all()) == []
    finally:
        bucket.objects.delete()
        bucket.delete()


def test_what_could_not_be_moved_is_named_and_ends_with_1(lms: Lms, file: FileUpload, gcs: GCS, registry: Any) -> None:
    registry.storage.delete(file.storage_path)
    moved = lms("migrate", "--from", "local", "--to", "gcs", LMS_GCS_BUCKET=gcs.bucket, LMS_GCS_ENDPOINT=gcs.url)
    assert moved.exit_code == 1
    assert f"Not moved: words.txt ({file.storage_path}): the object is not in local\n" in moved.stdout
    assert moved.stderr == "lms: not every file was moved\n"


@pytest.mark.parametrize(
    ("source", "target", "code", "line"),
    [
        ("local", "local", 1, "lms: the files of local are in local already\n"),
        ("local", "floppy", 2, "lms: no storage backend is named floppy; there are gcs, local, s3\n"),
        ("s3", "local", 2, "lms: lms.s3.bucket: the storage backend s3 needs the name of a bucket\n"),
    ],
)
def test_what_cannot_be_done_is_one_line(lms: Lms, source: str, target: str, code: int, line: str) -> None:
    refused = lms("migrate", "--from", source, "--to", target)
    assert (refused.exit_code, refused.stderr, refused.stdout) == (code, line, "")


def test_a_backend_that_is_chosen_and_not_set_up_stops_every_command(lms: Lms) -> None:
    refused = lms("list", LMS_STORAGE_BACKEND="gcs")
    line = "lms: lms.gcs.bucket: the storage backend gcs needs the name of a bucket\n"
    assert (refused.exit_code, refused.stderr) == (2, line)
