"""The conformance suite finds what it is there to find: scanners that are careless each in their own way."""

import pytest

CARELESS = '''
import pytest

from lms_core.plugin_api import ScannerUnavailable, Verdict
from lms_core.testing.scanners import EICAR, ScannerConformance


class Careful:
    """Looks for the test file at the start."""

    name, answers = "toy", True

    def read(self, stream):
        head = b""
        while chunk := stream.read(1 << 16):
            head = (head + chunk)[:100]
        return head

    def scan(self, stream, size):
        if not self.answers:
            raise ScannerUnavailable from OSError("nobody there")
        return Verdict("infected", "test file") if self.read(stream).startswith(EICAR) else Verdict("clean")


class Example(ScannerConformance):
    careless = Careful

    @pytest.fixture
    def scanner(self):
        return self.careless()

    @pytest.fixture
    def down(self):
        made = self.careless()
        made.answers = False
        return made


class TestCareful(Example):
    pass


class TestTrusts(Example):
    class careless(Careful):
        def scan(self, stream, size):
            if not self.answers:
                return Verdict("clean")
            return super().scan(stream, size)


class TestForgetsWhy(Example):
    class careless(Careful):
        def scan(self, stream, size):
            if not self.answers:
                raise ScannerUnavailable
            return super().scan(stream, size)


class TestNamesNothing(Example):
    class careless(Careful):
        def scan(self, stream, size):
            return Verdict(super().scan(stream, size).result)


class TestReadsOnce(Example):
    class careless(Careful):
        def read(self, stream):
            return stream.read(1 << 16)


class TestHoldsAll(Example):
    class careless(Careful):
        def read(self, stream):
            whole = []
            while chunk := stream.read(1 << 16):
                whole.append(chunk)
            return b"".join(whole)


class TestReadsWhole(Example):
    class careless(Careful):
        def read(self, stream):
            return stream.read()


class TestCloses(Example):
    class careless(Careful):
        def read(self, stream):
            with stream:
                return super().read(stream)


class TestSwallows(Example):
    class careless(Careful):
        def read(self, stream):
            try:
                return super().read(stream)
            except OSError:
                return b""


class TestShares(Example):
    class careless(Careful):
        """A scanner with one place for what it found, and a cache that a file of the same length is taken from."""

        def __init__(self):
            self.last = {}

        def scan(self, stream, size):
            self.last[0] = self.last.get(0) or super().scan(stream, size)
            return self.last[0]
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
    assert found["TestTrusts"] == {"test_a_scanner_that_is_down_says_so"}
    assert found["TestForgetsWhy"] == {"test_a_scanner_that_is_down_says_so"}
    assert found["TestNamesNothing"] == {"test_malware_is_found_and_named"}
    assert "test_a_stream_that_gives_little_at_a_time" in found["TestReadsOnce"]
    assert found["TestHoldsAll"] == {"test_a_large_file_is_never_in_memory"}
    assert "test_what_is_harmless_is_clean" in found["TestReadsWhole"]
    assert "test_the_stream_is_left_open" in found["TestCloses"]
    assert found["TestSwallows"] == {"test_what_the_stream_raises_passes"}
    assert {"test_the_same_scanner_serves_again", "test_one_scanner_serves_all_threads"} <= found["TestShares"]
