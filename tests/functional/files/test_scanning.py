"""Files are looked through before others get them, and nothing is clean that nobody has called so."""

import datetime as dt

import pytest
from sqlalchemy import literal, select, update
from structlog.testing import capture_logs

from lms_core.courses.importer import import_course
from lms_core.files.events import FileCleared, ScanDue
from lms_core.files.models import FileUpload
from lms_core.files.scanning import FIRST_RETRY, LAST_RETRY, LAST_RETRY_OF_FAILED, ScannerUnavailable, Verdict
from lms_core.files.storage import StorageUnavailable
from lms_core.kernel.models import Outbox
from lms_core.kernel.outbox import deliver_pending
from lms_core.testing.cartridges import write_cartridge
from lms_core.testing.scanners import EICAR

FILES = "/api/v1/files"
WORDS = b"Some words."


class Toy:
    """Says what it was told to say, and remembers what it was shown."""

    name = "toy"

    def __init__(self, *says):
        self.says, self.shown = list(says), []

    def scan(self, stream, size):
        self.shown.append(stream.read())
        assert len(self.shown[-1]) == size
        said = self.says.pop(0) if len(self.says) > 1 else self.says[0]
        if isinstance(said, Exception):
            raise said
        return Verdict(said, "why")


@pytest.fixture
def scanners(registry, monkeypatch):
    """``scanners(Toy(...), ...)`` are those that the application has."""

    def use(*toys):
        monkeypatch.setattr(registry, "scanners", toys)
        return toys[0] if toys else None

    return use


@pytest.fixture
def readable(registry, monkeypatch):
    """Everybody may read every file, as far as what it is attached to goes."""
    monkeypatch.setattr(registry, "file_access", [literal(True)])


def send(person, content=WORDS):
    return person.client.send("POST", f"{FILES}?name=words.txt", content, status=201).json


def status(person, file):
    return person.client.get(f"{FILES}/{file['id']}").json["scanStatus"]


def age(core, by):
    """Let every file, and what it waits for, be older by this."""
    with core.transaction() as db:
        columns = (FileUpload.uploaded_at, FileUpload.scan_due_at)
        db.execute(update(FileUpload).values({column: column - by for column in columns}))


def due(core):
    with core.transaction() as db:
        return db.scalars(select(FileUpload.scan_due_at)).one()


def test_without_a_scanner_a_file_says_that_none_has_looked(student, instructor, readable, deliver):
    file = send(student)
    assert file["scanStatus"] == "skipped"
    assert instructor.client.get(f"{FILES}/{file['id']}/content").body == WORDS
    deliver()
    assert status(student, file) == "skipped"


def test_a_file_waits_until_it_was_found_clean(student, instructor, admin, app, readable, scanners, deliver):
    toy = scanners(Toy("clean"))
    file = send(student)
    path = f"{FILES}/{file['id']}/content"
    assert file["scanStatus"] == "pending"
    assert student.client.get(path).body == WORDS
    for client in (instructor.client, admin.client, app):
        refused = client.get(path, status=409)
        assert refused.json["code"] == "file_not_scanned"
        assert int(refused.headers["Retry-After"]) > 0
    deliver()
    assert (status(student, file), toy.shown) == ("clean", [WORDS])
    for client in (student.client, instructor.client, app):
        assert client.get(path).body == WORDS
    deliver()
    assert len(toy.shown) == 1


def test_nobody_gets_what_is_infected_and_its_owner_is_told(student, instructor, admin, readable, scanners, deliver):
    scanners(Toy("infected"))
    file = send(student)
    deliver()
    assert status(student, file) == "infected"
    for person in (student, instructor, admin):
        assert person.client.get(f"{FILES}/{file['id']}/content", status=409).json["code"] == "file_infected"
    [told] = student.client.get("/api/v1/notifications").json["items"]
    assert told["title"] == "Malware was found in your file words.txt"
    assert told["data"] == {"fileId": file["id"], "fileName": "words.txt", "found": "why"}
    student.client.delete(f"{FILES}/{file['id']}", status=204)


def test_what_was_found_is_on_record(core, student, scanners, deliver):
    scanners(Toy("infected"))
    send(student)
    deliver()
    with core.transaction() as db:
        row = db.scalars(select(FileUpload)).one()
    assert (row.virus_scanned, row.scan_due_at) == (True, None)
    assert (row.extra["scan"]["scanner"], row.extra["scan"]["note"]) == ("toy", "why")


@pytest.mark.parametrize(
    ("said", "result"),
    [
        (("clean", "infected"), "infected"),
        (("infected", "clean"), "infected"),
        (("failed", "infected"), "infected"),
        (("clean", "failed"), "failed"),
        (("skipped", "clean"), "clean"),
        (("skipped", "skipped"), "skipped"),
    ],
)
def test_of_several_scanners_the_worst_word_counts(student, scanners, deliver, said, result):
    scanners(*map(Toy, said))
    file = send(student)
    deliver()
    assert status(student, file) == result


@pytest.mark.parametrize("down", [ScannerUnavailable(), StorageUnavailable()])
def test_while_a_scanner_is_down_a_file_waits(core, student, scanners, deliver, run_periodic, readable, app, down):
    toy = scanners(Toy(down, down, "clean"))
    file = send(student)
    with capture_logs() as logs:
        deliver()
    assert [line["event"] for line in logs] == ["scan_postponed"]
    assert status(student, file) == "pending"
    assert app.get(f"{FILES}/{file['id']}/content", status=409).json["code"] == "file_not_scanned"
    run_periodic("files.rescan")
    assert deliver() == 0, "its time has not come"
    for waited, expected in ((FIRST_RETRY, "pending"), (LAST_RETRY, "clean")):
        age(core, waited)
        run_periodic("files.rescan")
        run_periodic("files.rescan")
        deliver()
        assert status(student, file) == expected
    assert len(toy.shown) == 3
    assert due(core) is None


def test_one_of_two_scanners_that_is_down_is_enough_to_wait(student, scanners, deliver):
    scanners(Toy("clean"), Toy(ScannerUnavailable()))
    file = send(student)
    deliver()
    assert status(student, file) == "pending"


@pytest.mark.parametrize(("said", "longest"), [(ScannerUnavailable(), LAST_RETRY), ("failed", LAST_RETRY_OF_FAILED)])
def test_it_is_tried_again_ever_more_seldom(core, student, scanners, deliver, run_periodic, said, longest):
    scanners(Toy(said))
    send(student)
    deliver()
    for waited, expected in ((FIRST_RETRY * 3, FIRST_RETRY * 3), (dt.timedelta(days=30), longest)):
        age(core, waited)
        before = core.clock()
        run_periodic("files.rescan")
        deliver()
        pause = due(core) - before
        assert expected <= pause < expected * 1.1 + FIRST_RETRY


def test_what_could_not_be_looked_through_only_its_owner_gets(core, student, app, readable, scanners, deliver):
    toy = scanners(Toy("failed", "clean"))
    file = send(student)
    deliver()
    path = f"{FILES}/{file['id']}/content"
    assert status(student, file) == "failed"
    assert student.client.get(path).body == WORDS
    assert app.get(path, status=409).json["code"] == "file_not_scanned"
    assert len(toy.shown) == 1


def test_a_scanner_that_breaks_leaves_the_file_waiting(core, student, scanners, deliver):
    scanners(Toy(RuntimeError("a bug")))
    file = send(student)
    with capture_logs() as logs:
        deliver()
    assert [line["event"] for line in logs] == ["delivery_failed"]
    assert status(student, file) == "pending"
    assert due(core) is not None


def test_a_scanner_that_is_taken_away_holds_nothing_back(core, student, scanners, deliver):
    scanners(Toy("clean"))
    file = send(student)
    scanners()
    deliver()
    assert status(student, file) == "skipped"


def test_a_file_that_is_deleted_meanwhile_is_not_scanned(student, scanners, deliver):
    toy = scanners(Toy("clean"))
    file = send(student)
    student.client.delete(f"{FILES}/{file['id']}")
    deliver()
    assert toy.shown == []


def test_what_follows_is_published_once(core, student, scanners, deliver):
    def published():
        with core.transaction() as db:
            return list(db.scalars(select(Outbox.name).where(Outbox.name.like("files.%")).order_by(Outbox.id)))

    send(student)
    assert published() == [FileCleared.name]
    scanners(Toy("clean"))
    send(student, b"else")
    assert published() == [FileCleared.name, ScanDue.name]
    deliver()
    assert published() == [FileCleared.name, ScanDue.name, FileCleared.name]


def test_the_real_scanner_finds_the_test_file(make_app, settings, clamd_url, student):
    app = make_app(lms__clamav__url=clamd_url).bearer(student.client.authorization[1])
    for content, expected in ((EICAR, "infected"), (WORDS, "clean")):
        file = app.send("POST", FILES, content, status=201).json
        assert file["scanStatus"] == "pending"
        deliver_pending(app.app.registry)
        assert app.get(f"{FILES}/{file['id']}").json["scanStatus"] == expected


def test_imported_files_are_scanned_too(registry, core, instructor, scanners, deliver, tmp_path):
    toy = scanners(Toy("clean"))
    pages = {"Module": {"Lesson": '<p><a href="words.txt">Words</a></p>'}}
    cartridge = write_cartridge(tmp_path / "course.imscc", "Course", pages, {"words.txt": WORDS})
    import_course(registry, cartridge, instructor.email)
    with core.transaction() as db:
        assert set(db.scalars(select(FileUpload.virus_scan_result))) == {"pending"}
    deliver()
    assert toy.shown
    with core.transaction() as db:
        assert set(db.scalars(select(FileUpload.virus_scan_result))) == {"clean"}
