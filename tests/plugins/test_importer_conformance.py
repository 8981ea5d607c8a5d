"""The conformance suite finds what it is there to find: importers that are careless each in their own way."""

import pytest

CARELESS = '''
import socket, subprocess, tempfile, zipfile

import pytest

from lms_core.plugin_api import ImportedCourse, ImportedLesson, ImportedModule, Invalid
from lms_core.testing.importers import ImporterConformance, ZipImporterConformance


class Careful:
    """A file that begins with MINE, one lesson a line."""

    name, title = "mine", "Mine"

    def recognizes(self, path):
        return path.is_file() and path.read_bytes()[:5] == b"MINE\\n"

    def read(self, path, limits):
        data = path.read_bytes()
        if data[:5] != b"MINE\\n":
            raise Invalid("import_invalid", "This is no such file.")
        if len(data) > limits.total_bytes:
            raise Invalid("import_too_large", "This is too large.")
        lines = data[5:].decode(errors="replace").split("\\n")
        return ImportedCourse("T", [ImportedModule("M", [ImportedLesson("L", html=line) for line in lines])])


class Example(ImporterConformance):
    careless = Careful

    @pytest.fixture
    def importer(self):
        return self.careless()

    @pytest.fixture
    def sound(self, tmp_path):
        path = tmp_path / "course.mine"
        path.write_text("MINE\\n<p>Words.</p>\\n<p>More.</p>")
        return path


class TestCareful(Example):
    pass


class TestTakesAll(Example):
    class careless(Careful):
        def recognizes(self, path):
            return True


class TestOtherCode(Example):
    class careless(Careful):
        def read(self, path, limits):
            try:
                return super().read(path, limits)
            except Invalid as error:
                raise Invalid("mine_is_broken", "This is broken.") from error


class TestOtherError(Example):
    class careless(Careful):
        def read(self, path, limits):
            if path.stat().st_size > limits.total_bytes:
                raise ValueError("too large")
            return super().read(path, limits)


class TestWrites(Example):
    class careless(Careful):
        def read(self, path, limits):
            path.with_suffix(".cache").write_bytes(b"x")
            return super().read(path, limits)


class TestLeaves(Example):
    class careless(Careful):
        def read(self, path, limits):
            tempfile.mkdtemp()
            return super().read(path, limits)


class TestAsksTheNetwork(Example):
    class careless(Careful):
        def read(self, path, limits):
            with socket.socket() as asked:
                asked.settimeout(1)
                asked.connect(("127.0.0.1", 9))
            return super().read(path, limits)


class TestStartsPrograms(Example):
    class careless(Careful):
        def recognizes(self, path):
            return subprocess.run(["/bin/true"]).returncode == 0


class TestTrustsZips(ZipImporterConformance):
    class careless(Careful):
        def read(self, path, limits):
            try:
                with zipfile.ZipFile(path) as archive:
                    return ImportedCourse("T", [ImportedModule("M", [ImportedLesson("L", html="x")])])
            except Exception as error:
                raise Invalid("import_invalid", "This is no zip.") from error

    @pytest.fixture
    def importer(self):
        return self.careless()

    @pytest.fixture
    def sound(self, tmp_path):
        with zipfile.ZipFile(tmp_path / "course.mine", "w") as archive:
            archive.writestr("a", "x")
        return tmp_path / "course.mine"
'''


def test_each_carelessness_is_found_and_care_is_not(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(CARELESS)
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider", "-p", "no:xdist", "-q", "-rfE", "--tb=no")
    found: dict[str, set[str]] = {}
    for line in result.outlines:
        if line.startswith(("FAILED ", "ERROR ")):
            _file, name, test = line.split(" ")[1].split("::")
            found.setdefault(name, set()).add(test.partition("[")[0])
    reads = {"test_a_sound_file_gives_a_whole_course", "test_the_same_file_gives_the_same_course"}
    assert "TestCareful" not in found
    assert found["TestTakesAll"] == {"test_it_recognizes_nothing_of_others", "test_recognizing_raises_nothing"}
    assert {"test_other_content_under_its_name", "test_it_keeps_to_the_limits"} <= found["TestOtherCode"]
    assert found["TestOtherError"] == {"test_it_keeps_to_the_limits"}
    assert reads <= found["TestWrites"]
    assert reads <= found["TestLeaves"]
    assert reads <= found["TestAsksTheNetwork"]
    assert "test_it_recognizes_its_own" in found["TestStartsPrograms"]
    assert {
        "test_a_path_that_climbs_out", "test_an_entry_that_is_no_plain_file", "test_an_encrypted_entry",
        "test_a_zip_bomb", "test_a_file_that_is_too_large", "test_a_flood_of_entries",
    } <= found["TestTrustsZips"]  # fmt: skip
