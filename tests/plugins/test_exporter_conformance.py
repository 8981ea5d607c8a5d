"""The conformance suite finds what it is there to find: exporters that are careless each in their own way."""

import pytest

CARELESS = '''
import io, json, random, socket, time, zipfile

import pytest

from lms_core.plugin_api import ImportedCourse, ImportedFile, ImportedLesson, ImportedModule, map_references
from lms_core.testing.exporters import ExporterConformance, RoundTripConformance, ZipExporterConformance


class Careful:
    """A zip of pages and files under their numbers, and a record of everything."""

    name, title, media_type, suffix = "mine", "Mine", "application/zip", ".mine"

    def write(self, course, sink):
        archive = zipfile.ZipFile(sink, "w")
        try:
            self.fill(course, archive)
        except BaseException:
            archive.fp = None
            raise
        archive.close()

    def fill(self, course, archive):
        numbers = {key: str(number) for number, key in enumerate(course.files)}

        def known(details):
            return map_references(details, lambda scheme, key: scheme + numbers[key])

        modules = [
            [module.details, [
                [lesson.details, lesson.html, lesson.url, numbers.get(lesson.file)] for lesson in module.lessons
            ]]
            for module in course.modules
        ]
        record = {"details": known(course.details), "modules": known(modules)}
        self.entry(archive, "record.json", json.dumps(record).encode())
        for number, (key, file) in enumerate(course.files.items()):
            with self.opened(file) as source:
                self.copy(archive, self.named(number, file), source)

    def opened(self, file):
        return file.open()

    def named(self, number, file):
        return f"files/{number}"

    def info(self, name):
        made = zipfile.ZipInfo(name)
        made.external_attr, made.create_system = 0o100644 << 16, 3
        return made

    def entry(self, archive, name, data):
        archive.writestr(self.info(name), data)

    def copy(self, archive, name, source):
        with archive.open(self.info(name), "w") as target:
            while chunk := source.read(1 << 16):
                target.write(chunk)


class Importer:
    name, title = "mine", "Mine"
    lossy = False

    def recognizes(self, path):
        return path.suffix == ".mine"

    def read(self, path, limits):
        archive = zipfile.ZipFile(path)
        record = json.loads(archive.read("record.json"))
        files = {}
        for info in archive.infolist():
            if info.filename.startswith("files/"):
                key, opened = info.filename[6:], lambda name=info.filename: io.BytesIO(archive.read(name))
                files[key] = ImportedFile(key, key, info.file_size, opened)
        modules = [
            ImportedModule(details["title"], [self.lesson(*lesson) for lesson in lessons], details)
            for details, lessons in record["modules"]
        ]
        details = record["details"]
        return ImportedCourse(details["title"], modules, details.get("description") or "", details["language"], files,
                              details=details)

    def lesson(self, details, html, url, file):
        if self.lossy:
            details = {key: value for key, value in details.items() if key != "transcript"}
        return ImportedLesson(details["title"], html=html, url=url, file=file, details=details)


class Example(ZipExporterConformance, RoundTripConformance):
    careless = Careful
    reader = Importer

    @pytest.fixture
    def exporter(self):
        return self.careless()

    @pytest.fixture
    def importer(self):
        return self.reader()


class TestCareful(Example):
    pass


class TestLooksAtTheClock(Example):
    class careless(Careful):
        def info(self, name):
            return zipfile.ZipInfo(name, tuple(time.localtime()[:5]) + (random.randrange(60),))


class TestTrustsNames(Example):
    class careless(Careful):
        def named(self, number, file):
            return f"files/{file.name}"


class TestHoldsFiles(Example):
    class careless(Careful):
        def copy(self, archive, name, source):
            self.entry(archive, name, source.read())


class TestLeavesStreamsOpen(Example):
    class careless(Careful):
        def fill(self, course, archive):
            self.held = []
            super().fill(course, archive)

        def opened(self, file):
            stream = file.open()
            self.held.append(stream)
            return open_for_ever(stream)


class open_for_ever:
    def __init__(self, stream):
        self.stream = stream

    def __enter__(self):
        return self.stream

    def __exit__(self, *_error):
        return False


class TestSwallowsFailures(Example):
    class careless(Careful):
        def copy(self, archive, name, source):
            try:
                super().copy(archive, name, source)
            except Exception:
                pass


class TestClosesTheSink(Example):
    class careless(Careful):
        def write(self, course, sink):
            super().write(course, sink)
            sink.close()


class TestLeavesFilesOut(Example):
    class careless(Careful):
        def copy(self, archive, name, source):
            while source.read(1 << 16):
                pass


class TestAsksTheNetwork(Example):
    class careless(Careful):
        def write(self, course, sink):
            with socket.socket() as asked:
                asked.settimeout(1)
                asked.connect(("127.0.0.1", 9))
            super().write(course, sink)


class TestForgets(Example):
    class reader(Importer):
        lossy = True
'''


def test_each_carelessness_is_found_and_care_is_not(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(CARELESS)
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider", "-p", "no:xdist", "-q", "-rfE", "--tb=no")
    found: dict[str, set[str]] = {}
    for line in result.outlines:
        if line.startswith(("FAILED ", "ERROR ")):
            _file, name, test = line.split(" ")[1].split("::")
            found.setdefault(name, set()).add(test.partition("[")[0])
    assert "TestCareful" not in found
    assert {"test_the_same_course_gives_the_same_bytes", "test_it_shows_no_time_and_no_machine"} <= found[
        "TestLooksAtTheClock"
    ]
    assert "test_names_are_safe_everywhere" in found["TestTrustsNames"]
    assert found["TestHoldsFiles"] == {"test_a_large_file_is_not_held_in_memory"}
    assert found["TestLeavesStreamsOpen"] == {"test_every_stream_is_closed"}
    assert "test_what_a_stream_raises_passes" in found["TestSwallowsFailures"]
    assert "test_a_course_becomes_a_file" in found["TestClosesTheSink"]
    assert {"test_every_file_is_in_it", "test_nothing_is_lost"} <= found["TestLeavesFilesOut"]
    assert "test_a_course_becomes_a_file" in found["TestAsksTheNetwork"]
    assert found["TestForgets"] == {"test_nothing_is_lost"}
