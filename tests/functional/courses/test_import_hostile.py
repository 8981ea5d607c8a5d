"""An import that fails, for whatever reason, leaves no row and no stored file behind."""

import json
import zipfile

import pytest
from sqlalchemy import func, select

from lms_core.courses.importer import import_course
from lms_core.files.service import claimed
from lms_core.kernel.db import Base
from lms_core.kernel.errors import LMSError

MANIFEST = """<?xml version="1.0"?>{doctype}
<manifest xmlns="http://www.imsglobal.org/xsd/imsccv1p3/imscp_v1p1"><metadata><schema>IMS Common Cartridge</schema>
</metadata><organizations><organization><item><item><title>Module {entity}</title>
<item identifierref="page"><title>Page</title></item><item identifierref="file"><title>File</title></item>
</item></item></organization></organizations><resources>
<resource identifier="page" type="webcontent" href="page.html"><file href="page.html"/></resource>
<resource identifier="file" type="webcontent" href="file.bin"><file href="file.bin"/></resource>
</resources></manifest>"""
SOUND = {
    "imsmanifest.xml": MANIFEST.format(doctype="", entity=""),
    "page.html": "<p>Words and a <a href='file.bin'>file</a>.</p>",
    "file.bin": bytes(range(256)) * 100,
}
EXTERNAL = '<!DOCTYPE m [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
LAUGHS = '<!DOCTYPE m [<!ENTITY a "ha"><!ENTITY b "&a;&a;"><!ENTITY x "&b;&b;">]>'


def cartridge(path, entries):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return path


@pytest.fixture
def traces(core):
    """``traces()`` -> how many rows each table holds, and which files are stored."""

    def count():
        with core.transaction() as db:
            rows = {name: db.scalar(select(func.count()).select_from(t)) for name, t in Base.metadata.tables.items()}
        return rows, sorted(path for path in (core.settings.data / "files").rglob("*") if path.is_file())

    return count


@pytest.fixture
def refused(traces, instructor):
    """``refused(registry, path)`` -> the code of the refusal, once it is sure that nothing remained."""

    def refuse(registry, path, **options):
        before = traces()
        with pytest.raises(LMSError) as error:
            import_course(registry, path, instructor.email, **options)
        assert traces() == before
        return error.value.code

    return refuse


def test_a_sound_one_leaves_traces(registry, traces, instructor, tmp_path):
    rows, files = traces()
    report = import_course(registry, cartridge(tmp_path / "a.imscc", SOUND), instructor.email, publish=True)
    assert (report.modules, report.lessons, report.files, report.skipped) == (1, 2, 1, [])
    more_rows, more_files = traces()
    assert more_rows["lessons"] == rows["lessons"] + 2
    assert len(more_files) == len(files) + 1


@pytest.mark.parametrize(
    ("entries", "code"),
    [
        ({**SOUND, "../../climbs.txt": "x"}, "import_invalid"),
        ({**SOUND, "/etc/absolute.txt": "x"}, "import_invalid"),
        ({**SOUND, "bomb.bin": bytes(32 << 20)}, "import_too_large"),
        ({"imsmanifest.xml": "<manifest><broken", "page.html": "x"}, "import_invalid"),
        ({**SOUND, "imsmanifest.xml": MANIFEST.format(doctype=EXTERNAL, entity="&x;")}, "import_invalid"),
        ({**SOUND, "imsmanifest.xml": MANIFEST.format(doctype=LAUGHS, entity="&x;")}, "import_invalid"),
        ({"page.html": "no manifest"}, "import_invalid"),
    ],
    ids=["climbs", "absolute", "bomb", "broken", "external", "laughs", "bare"],
)
def test_a_hostile_cartridge_is_refused(registry, refused, tmp_path, entries, code):
    assert refused(registry, cartridge(tmp_path / "hostile.imscc", entries)) == code


def test_a_cartridge_damaged_in_its_last_file_is_refused(registry, refused, tmp_path):
    path = cartridge(tmp_path / "damaged.imscc", SOUND)
    with zipfile.ZipFile(path) as archive:
        start = archive.getinfo("file.bin").header_offset
    data = bytearray(path.read_bytes())
    data[start + 60 : start + 80] = b"\xff" * 20
    path.write_bytes(data)
    assert refused(registry, path) == "import_invalid"
    path.write_bytes(data[: len(data) // 2])
    assert refused(registry, path) == "import_invalid"
    path.write_bytes(b"not a zip at all")
    assert refused(registry, path) == "import_invalid"


def test_limits_are_settings(make_app, refused, tmp_path):
    path = cartridge(tmp_path / "a.imscc", SOUND)
    for limit in ("lms__import__file_bytes", "lms__import__total_bytes", "lms__import__entries"):
        assert refused(make_app(**{limit: 2}).app.registry, path) == "import_too_large"


def toy(path, **course):
    files = {
        "first": {"name": "first.txt", "text": "stored already"},
        "second": {"name": "second.txt", "text": "stored as well", **course.pop("second", {})},
    }
    lessons = [{"title": key, "file": key, "is_published": False} for key in files]
    path.write_text(json.dumps({"title": "Toy", "modules": [{"title": "M", "lessons": lessons}], "files": files}))
    return path


def test_a_stream_that_breaks_takes_all_files_along(toy_registry, refused, tmp_path):
    assert refused(toy_registry, toy(tmp_path / "a.toy", second={"breaks": True})) == "import_invalid"


def test_a_stream_longer_than_it_said_is_bounded(configure_with_toy, refused, tmp_path):
    path = toy(tmp_path / "a.toy", second={"text": "x" * 1000, "size": 1})
    assert refused(configure_with_toy(lms__import__file_bytes=100), path) == "import_too_large"
    assert refused(configure_with_toy(lms__import__total_bytes=100), path) == "import_too_large"


def test_a_course_beyond_the_quota_of_its_instructor_is_not_imported(configure_with_toy, refused, instructor, tmp_path):
    # Its files take 28 bytes.
    registry, path = configure_with_toy(lms__files__teacher_quota=50), toy(tmp_path / "a.toy")
    import_course(registry, path, instructor.email)
    assert refused(registry, path) == "quota_exceeded"


def test_files_take_no_more_than_was_claimed_for_them(toy_registry, refused, tmp_path):
    assert refused(toy_registry, toy(tmp_path / "a.toy", second={"text": "x" * 1000, "size": 1})) == "import_too_large"


def test_while_files_come_in_their_room_is_taken(configure_with_toy, instructor, tmp_path, core):
    """An upload that would fit without the import is refused while it runs."""
    seen = []

    def upload(step, done, _total):
        if step == "files" and done < 28:
            with pytest.raises(LMSError) as error, claimed(core, instructor.id, 30, 50):
                pass
            seen.append(error.value.code)

    path = toy(tmp_path / "a.toy")
    import_course(configure_with_toy(lms__files__teacher_quota=50), path, instructor.email, progress=upload)
    assert seen == ["quota_exceeded"]


def test_a_course_that_may_not_be_published_is_not_imported(toy_registry, refused, tmp_path):
    assert refused(toy_registry, toy(tmp_path / "a.toy"), publish=True) == "course_incomplete"


def test_a_course_too_many_is_not_imported(configure_with_toy, refused, instructor, tmp_path):
    registry, path = configure_with_toy(lms__courses__limit=1), toy(tmp_path / "a.toy")
    import_course(registry, path, instructor.email)
    assert refused(registry, path) == "course_limit_reached"


def test_a_full_disk_is_said_to_be_one(toy_registry, refused, tmp_path, core):
    folder = core.settings.data / "files" / "incoming"
    folder.mkdir(parents=True, exist_ok=True)
    folder.rmdir()
    folder.write_text("not a folder")
    assert refused(toy_registry, toy(tmp_path / "a.toy")) == "storage_unavailable"
    folder.unlink()


def test_progress_that_raises_stops_it(toy_registry, traces, instructor, tmp_path):
    def stop(step, _done, _total):
        if step == "lessons":
            raise KeyboardInterrupt

    before = traces()
    with pytest.raises(KeyboardInterrupt):
        import_course(toy_registry, toy(tmp_path / "a.toy"), instructor.email, progress=stop)
    assert traces() == before
