"""Archives that are damaged, or that lie, climb and swell: refused with a code and a reason, never half read."""

import stat
import struct
import tracemalloc
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from lms_core.plugin_api import CourseImporter, ImportLimits, Invalid

from .cartridge import LIMITS, item, lessons, manifest, outline, page, resource, write_zip

MANIFEST = manifest(
    resource("p", "p.html"), resource("f", "f.bin"), items=item("M", "", item("P", "p"), item("F", "f"))
)
ENTRIES: dict[str, str | bytes] = {"imsmanifest.xml": MANIFEST, "p.html": page("Hello"), "f.bin": b"0123456789" * 100}

Refused = Callable[..., str]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A sound cartridge, for the tests to spoil."""
    return write_zip(tmp_path / "course.imscc", ENTRIES)


@pytest.fixture
def refused(importer: CourseImporter, path: Path) -> Refused:
    """``refused(code)``: the file is refused with that code; answers the reason."""

    def refused(code: str, limits: ImportLimits = LIMITS) -> str:
        with pytest.raises(Invalid) as caught:
            importer.read(path, limits)
        assert caught.value.code == code
        detail = caught.value.detail
        assert detail
        interpolate = getattr(detail, "interpolate", lambda: detail)
        return str(interpolate())

    return refused


def add(path: Path, name: str, content: bytes = b"x", **fields: int) -> None:
    """Another entry, with fields of its ``ZipInfo`` set."""
    entry = zipfile.ZipInfo(name)
    entry.compress_type = zipfile.ZIP_DEFLATED
    for field, value in fields.items():
        setattr(entry, field, value)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(entry, content)


def patch(path: Path, old: bytes, new: bytes, count: int = -1) -> None:
    data = path.read_bytes()
    assert old in data
    assert len(old) == len(new)
    path.write_bytes(data.replace(old, new, count))


def patch_directory(path: Path, name: str, offset: int, value: int) -> None:
    """Sets four bytes at an offset of the entry's record in the central directory."""
    data = bytearray(path.read_bytes())
    start = data.rfind(name.encode()) - 46
    assert data[start : start + 4] == b"PK\x01\x02"
    struct.pack_into("<L", data, start + offset, value)
    path.write_bytes(data)


def test_the_sound_cartridge_is_read(importer: CourseImporter, path: Path) -> None:
    course = importer.read(path, LIMITS)
    assert outline(course) == {"M": ["P", "F"]}
    assert course.skipped == []


@pytest.mark.parametrize("content", [b"", b"PK", b"<html>", b"PK\x05\x06" + b"\xff" * 18], ids=repr)
def test_what_is_no_zip(path: Path, refused: Refused, content: bytes) -> None:
    path.write_bytes(content)
    assert refused("import_invalid") == "The file is not a readable zip archive."


@pytest.mark.parametrize("kept", [0.1, 0.5, 0.9, 0.99])
def test_truncated_zip(path: Path, refused: Refused, kept: float) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * kept)])
    assert "not a readable zip" in refused("import_invalid")


def test_missing_file_is_no_matter_of_its_content(importer: CourseImporter, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        importer.read(tmp_path / "missing.imscc", LIMITS)


@pytest.mark.parametrize("name", ["imsmanifest.xml", "p.html", "f.bin"])
def test_wrong_checksum(path: Path, refused: Refused, name: str) -> None:
    patch_directory(path, name, 16, 0x12345678)
    assert refused("import_invalid") == f"The archive is damaged at “{name}”."


@pytest.mark.parametrize("size", [1, 999, 1001, 1 << 20])
def test_declared_size_is_a_lie(path: Path, refused: Refused, size: int) -> None:
    patch_directory(path, "f.bin", 24, size)
    assert "damaged at “f.bin”" in refused("import_invalid")


def test_damage_that_appears_later_is_told_by_the_stream(importer: CourseImporter, path: Path) -> None:
    stored = zipfile.ZipInfo("f.bin")
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in ENTRIES.items():
            archive.writestr(stored if name == "f.bin" else name, content)
    course = importer.read(path, LIMITS)
    patch(path, b"0123456789", b"9876543210", 1)
    with pytest.raises(Invalid, match="import_invalid"), course.files["f.bin"].open() as stream:
        stream.read()


@pytest.mark.parametrize(
    "name",
    [
        "../evil.html",
        "a/../../evil.html",
        "a/../evil.html",
        "/etc/passwd",
        "..\\evil.html",
        "\\\\server\\share\\evil.html",
        "C:\\evil.html",
        "c:evil.html",
        "..",
    ],
)
def test_paths_that_climb(path: Path, refused: Refused, name: str) -> None:
    add(path, name)
    assert "leads out of the archive" in refused("import_invalid")


def test_path_with_a_nul(path: Path, refused: Refused) -> None:
    add(path, "p.html!evil")
    patch(path, b"p.html!evil", b"p.html\0evil")
    assert "leads out of the archive" in refused("import_invalid")


def test_backslashes_of_windows_are_separators(importer: CourseImporter, path: Path) -> None:
    entries = {"imsmanifest.xml": manifest(resource("p", "a/p.html")), "a\\p.html": page("x", "P"), "a\\b\\": ""}
    course = importer.read(write_zip(path, entries), LIMITS)
    assert (outline(course), course.skipped) == ({"Pages": ["P"]}, [])


@pytest.mark.parametrize("name", ["Ü.html", "日本.html"])
def test_names_in_utf_8_that_do_not_say_so(importer: CourseImporter, path: Path, name: str) -> None:
    write_zip(path, {"imsmanifest.xml": manifest(resource("p", name)), name: page("x", "P")})
    data = bytearray(path.read_bytes())
    for signature, flags in ((b"PK\x01\x02", 8), (b"PK\x03\x04", 6)):
        start = data.rfind(signature)
        assert data[start + flags + 1] == 0x08
        data[start + flags + 1] = 0
    path.write_bytes(data)
    assert outline(importer.read(path, LIMITS)) == {"Pages": ["P"]}


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR, stat.S_IFSOCK])
def test_entries_that_are_no_plain_files(path: Path, refused: Refused, kind: int) -> None:
    add(path, "link", b"/etc/passwd", external_attr=(kind | 0o777) << 16)
    assert refused("import_invalid") == "“link” in the archive is not a plain file."


def test_encrypted_entries(path: Path, refused: Refused) -> None:
    data = bytearray(path.read_bytes())
    data[data.rfind(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(data)
    assert refused("import_invalid") == "The archive is encrypted (“f.bin”)."


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_compression_that_cartridges_do_not_use(path: Path, refused: Refused, method: int) -> None:
    add(path, "big", b"x", compress_type=method)
    assert "not supported" in refused("import_invalid")


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("name", ["p.html", "./p.html", ".//p.html", ".\\p.html"])
def test_names_that_are_there_twice(path: Path, refused: Refused, name: str) -> None:
    add(path, name)
    assert refused("import_invalid") == "The archive holds “p.html” twice."


def test_zip_bomb_by_ratio(path: Path, refused: Refused) -> None:
    add(path, "bomb", bytes(20 << 20))
    assert refused("import_too_large") == "“bomb” unpacks to far more than its size."


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"total_bytes": 1500}, "The archive unpacks to more than is allowed."),
        ({"file_bytes": 999}, "“f.bin” is larger than a file may be."),
        ({"entries": 2}, "The archive holds too many files."),
    ],
)
def test_limits(refused: Refused, changed: dict[str, int], reason: str) -> None:
    assert refused("import_too_large", replace(LIMITS, **changed)) == reason


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_large_files_of_small_archives_are_read(importer: CourseImporter, path: Path, method: int) -> None:
    text = "".join(f"<p>{number}</p>" for number in range(100_000))
    entries = {"imsmanifest.xml": manifest(resource("p", "p.html")), "p.html": page(text, "P")}
    course = importer.read(write_zip(path, entries, method), replace(LIMITS, entries=2))
    assert lessons(course)["P"].html == text


def test_flood_of_entries_is_refused_before_it_is_read(path: Path, refused: Refused) -> None:
    with zipfile.ZipFile(path, "a") as archive:
        for number in range(20_000):
            archive.writestr(f"{number:060}", b"")
    tracemalloc.start()
    reason = refused("import_too_large", replace(LIMITS, entries=100))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert reason == "The archive holds too many files."
    assert peak < 1 << 20


def test_entries_that_share_their_bytes(path: Path, refused: Refused) -> None:
    """Many names for one compressed stream: small on disk, large in sum, and no single ratio gives it away."""
    with zipfile.ZipFile(path, "a") as archive:
        entry = archive.getinfo("f.bin")
        for number in range(50):
            twin = zipfile.ZipInfo(f"twin{number}")
            for field in ("header_offset", "CRC", "compress_size", "file_size", "compress_type"):
                setattr(twin, field, getattr(entry, field))
            archive.filelist.append(twin)
        archive.writestr("last", b"")
    assert refused("import_invalid") == "The entries of the archive overlap."


def test_compressed_size_that_hides_the_ratio(path: Path, refused: Refused) -> None:
    add(path, "bomb", bytes(20 << 20))
    patch_directory(path, "bomb", 20, 10 << 20)
    assert "not a readable zip" in refused("import_invalid")


def test_archive_in_the_archive_stays_closed(importer: CourseImporter, path: Path, tmp_path: Path) -> None:
    inner = write_zip(tmp_path / "inner.zip", {"../evil": "x"}).read_bytes()
    entries: dict[str, str | bytes] = {"imsmanifest.xml": manifest(resource("z", "inner.zip")), "inner.zip": inner}
    course = importer.read(write_zip(path, entries), LIMITS)
    assert outline(course) == {"Files": ["inner.zip"]}
    with course.files["inner.zip"].open() as stream:
        assert stream.read() == inner


@pytest.mark.parametrize(
    "entries",
    [
        {},
        {"readme.txt": "x"},
        {"IMSMANIFEST.XML.bak": "x"},
        {"a/b/imsmanifest.xml": MANIFEST},
        {"a/imsmanifest.xml": MANIFEST, "b/imsmanifest.xml": MANIFEST},
    ],
)
def test_missing_manifest(path: Path, refused: Refused, entries: dict[str, str]) -> None:
    write_zip(path, entries)
    assert refused("import_invalid") == "The archive has no imsmanifest.xml."


def test_archive_is_closed_when_nobody_needs_it(importer: CourseImporter, path: Path) -> None:
    """Warnings are errors here: an open file left to the garbage collector would be one."""
    course = importer.read(path, LIMITS)
    with course.files["f.bin"].open() as stream:
        assert len(stream.read()) == 1000
    del course, stream
