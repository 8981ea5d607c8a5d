"""The conformance suite finds what it is there to find: storages that are careless each in their own way."""

import pytest

CARELESS = '''
import datetime as dt
import io, threading

import pytest

from lms_core.plugin_api import IncomingStream, StorageUnavailable, StoredObject, check_storage_key
from lms_core.testing.storages import StorageConformance


class Careful:
    """Everything in memory, which is careful only as long as nothing is large."""

    name, answers = "memory", True

    def __init__(self):
        self.held, self.drafts, self.lock = {}, 0, threading.Lock()

    def reach(self, key="a" * 32):
        self.check(key)
        if not self.answers:
            raise StorageUnavailable from OSError("nobody there")

    def check(self, key):
        check_storage_key(key)

    def put(self, key, stream):
        self.reach(key)
        incoming = IncomingStream(stream)
        content = incoming.part(1 << 30)
        self.held[key] = (content, dt.datetime.now(dt.UTC))
        return incoming.stored

    def open(self, key):
        self.reach(key)
        try:
            return io.BytesIO(self.held[key][0])
        except KeyError as error:
            raise StorageUnavailable from error

    def delete(self, key):
        self.reach(key)
        self.held.pop(key, None)

    def exists(self, key):
        self.reach(key)
        return key in self.held

    def objects(self):
        self.reach()
        for key in sorted(self.held):
            yield StoredObject(key, len(self.held[key][0]), self.held[key][1])

    def sweep(self, before):
        self.reach()
        return 0


class Example(StorageConformance):
    careless = Careful
    large, memory = 1 << 20, 1 << 30

    @pytest.fixture
    def storage(self):
        return self.careless()

    @pytest.fixture
    def down(self):
        made = self.careless()
        made.answers = False
        return made


class TestCareful(Example):
    pass


class TestHoldsAll(Example):
    large, memory = StorageConformance.large, StorageConformance.memory


class TestKeepsHalf(Example):
    class careless(Careful):
        def put(self, key, stream):
            self.reach(key)
            incoming = IncomingStream(stream)
            content = b""
            try:
                while chunk := incoming.read():
                    content += chunk
                    self.held[key] = (content, dt.datetime.now(dt.UTC))
            except StorageUnavailable:
                del self.held[key]
                raise
            self.held.setdefault(key, (b"", dt.datetime.now(dt.UTC)))
            return incoming.stored


class TestSwallows(Example):
    class careless(Careful):
        def put(self, key, stream):
            try:
                return super().put(key, stream)
            except ConnectionResetError as error:
                raise StorageUnavailable from error


class TestTakesAnyKey(Example):
    class careless(Careful):
        def check(self, key):
            pass


class TestForgetsWhy(Example):
    class careless(Careful):
        def reach(self, key="a" * 32):
            self.check(key)
            if not self.answers:
                raise StorageUnavailable


class TestComplains(Example):
    class careless(Careful):
        def delete(self, key):
            self.reach(key)
            try:
                del self.held[key]
            except KeyError as error:
                raise StorageUnavailable from error


class TestKeepsTheFirst(Example):
    class careless(Careful):
        def put(self, key, stream):
            before = self.held.get(key)
            stored = super().put(key, stream)
            if before:
                self.held[key] = before
            return stored


class TestUnordered(Example):
    class careless(Careful):
        def objects(self):
            return reversed(list(super().objects()))


class TestSweepsTooMuch(Example):
    class careless(Careful):
        def sweep(self, before):
            count = len(self.held)
            self.held.clear()
            return count


class TestCannotSeek(Example):
    class careless(Careful):
        def open(self, key):
            class Stream(io.BytesIO):
                def seekable(self):
                    return False

                def seek(self, *_where):
                    raise io.UnsupportedOperation
            return Stream(super().open(key).read())
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
    assert found["TestHoldsAll"] == {"test_a_large_object_is_never_in_memory"}
    assert {"test_a_stream_that_fails_leaves_nothing", "test_nothing_is_there_before_all_is"} <= found["TestKeepsHalf"]
    assert found["TestSwallows"] == {"test_a_stream_that_fails_leaves_nothing"}
    assert found["TestTakesAnyKey"] == {"test_what_is_no_key_is_refused"}
    assert found["TestForgetsWhy"] == {"test_a_backend_that_is_down_says_so"}
    assert found["TestComplains"] == {"test_it_is_there_until_it_is_deleted"}
    assert found["TestKeepsTheFirst"] == {"test_putting_again_replaces_the_whole"}
    assert found["TestUnordered"] == {"test_all_objects_are_listed_in_order"}
    assert "test_sweeping_touches_no_object" in found["TestSweepsTooMuch"]
    assert found["TestCannotSeek"] == {"test_any_part_can_be_read"}
