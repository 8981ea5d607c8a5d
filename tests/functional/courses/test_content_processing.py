"""What is found out about a lesson's files after the commit, and what it must not spoil."""

import io
import sys
import sysconfig
import uuid
import venv
import zlib
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import EntryPoint, entry_points
from threading import Barrier

import pytest
from lms_plugins import content_pdf
from sqlalchemy import select, text, update

import lms_core
from lms_core.courses.content import tasks
from lms_core.courses.events import LessonContentChanged
from lms_core.courses.models import Course, Lesson, LessonRevision, Module, VersionModule
from lms_core.files.models import FileUpload
from lms_core.kernel.delivery import deliver as deliver_events
from lms_core.kernel.events import publish
from lms_core.kernel.outbox import dead_letters, deliver_pending
from lms_core.kernel.plugins import GROUP, Plugins
from lms_core.settings import SettingsError
from lms_core.testing.client import Client
from lms_core.testing.courses import make_course
from lms_core.testing.files import make_file

from ...plugins.content_types.media import MP4_HEAD, PNG, VTT, film, pdf

RECIPE = EntryPoint("recipe", "tests.fixtures.toy_content", GROUP)


@pytest.fixture
def course(core, instructor, deliver):
    """A course of one lesson; what else is done about a new course is done."""
    made = make_course(core, instructor.id, lessons=1)
    deliver()
    return made


@pytest.fixture
def upload(registry, instructor):
    return lambda content, name="A file": str(make_file(registry, instructor.id, content, name).id)


@pytest.fixture
def make(instructor, course):
    """``make(type, content)`` -> the address of a new lesson."""

    def make(kind, content, **fields):
        body = {"title": "L", "contentType": kind, "content": content, **fields}
        made = instructor.client.post_json(f"/api/v1/modules/{course.modules[0]}/lessons", body, status=201)
        return f"/api/v1/lessons/{made.json['id']}"

    return make


@pytest.fixture
def read(instructor):
    return lambda url: instructor.client.get(url).json


def stored(core):
    with core.transaction() as db:
        lessons = FileUpload.file_name.in_(("A file", "A file.jpg", "thumb.pdf"))
        return db.scalars(select(FileUpload).where(lessons).order_by(FileUpload.uploaded_at)).all()


def objects(core):
    """The names of what the storage has."""
    return {path.name for path in (core.settings.data / "files").rglob("*") if path.is_file()}


def minutes(core):
    with core.transaction() as db:
        module = db.scalars(select(Module.estimated_duration_minutes)).one()
        return module, db.scalars(select(Course.duration_minutes)).one()


# PDF.


def test_pages_are_counted_and_the_lesson_takes_as_long(make, read, upload, deliver, core):
    url = make("pdf", {"fileId": upload(pdf(7), "Paper.pdf")})
    assert "pages" not in read(url)["content"]
    assert deliver() > 0
    lesson = read(url)
    assert lesson["content"]["pages"] == 7
    assert lesson["content"]["name"] == "Paper.pdf"
    assert lesson["durationMinutes"] == 14
    assert minutes(core) == (15, 15)


def test_counting_leaves_no_half_of_a_module_behind(make, read, upload, deliver, monkeypatch, tmp_path):
    """The counter may write a kilobyte: an interpreter that kept what it has compiled would keep the half of it."""
    venv.create(tmp_path, with_pip=False, symlinks=True)
    [own] = tmp_path.glob("lib/*/site-packages")
    (own / "bulky.py").write_text("".join(f"name_{number} = {number}\n" for number in range(500)))
    (own / "first.pth").write_text(f"import bulky\n{sysconfig.get_path('purelib')}\n")
    monkeypatch.setattr(sys, "executable", str(tmp_path / "bin" / "python"))
    url = make("pdf", {"fileId": upload(pdf(7))})
    deliver()
    assert read(url)["content"]["pages"] == 7
    assert list(own.rglob("*.pyc")) == []


def test_what_is_found_out_makes_no_editors_version_stale(make, upload, deliver, instructor, course):
    url, outer = make("pdf", {"fileId": upload(pdf(7))}), f"/api/v1/courses/{course.id}"
    lesson, above = (instructor.client.get(address).headers["ETag"] for address in (url, outer))
    deliver()
    instructor.client.get(url, headers={"If-None-Match": lesson}, status=200)
    instructor.client.put_json(url, {"title": "Still mine"}, headers={"If-Match": lesson})
    instructor.client.put_json(outer, {"title": "Mine as well"}, headers={"If-Match": above})


def test_the_authors_word_on_its_length_stays(make, read, upload, deliver):
    url = make("pdf", {"fileId": upload(pdf(7))}, durationMinutes=5)
    deliver()
    assert (read(url)["content"]["pages"], read(url)["durationMinutes"]) == (7, 5)


def test_another_file_is_looked_into_anew(make, read, upload, deliver, instructor):
    url = make("pdf", {"fileId": upload(pdf(7))})
    deliver()
    content = {**read(url)["content"], "fileId": upload(pdf(2))}
    changed = instructor.client.put_json(url, {"content": content}).json
    assert "pages" not in changed["content"]
    assert changed["durationMinutes"] is None
    deliver()
    assert read(url)["content"]["pages"] == 2
    same = instructor.client.put_json(url, {"content": read(url)["content"]}).json
    assert same["content"]["pages"] == 2


def bomb():
    """A page tree in which each node has the next one ten times: 10,000,000,000 pages in a kilobyte."""
    nodes = [f"{n} 0 obj <</Type/Pages/Count 1/Kids[{f'{n + 1} 0 R ' * 10}]>> endobj" for n in range(2, 12)]
    body = "%PDF-1.7\n1 0 obj <</Type/Catalog/Pages 2 0 R>> endobj\n" + "\n".join(nodes)
    return f"{body}\n12 0 obj <</Type/Page>> endobj\ntrailer <</Root 1 0 R>>\n%%EOF".encode()


def inflating():
    """A stream of objects that unpacks to a gigabyte."""
    packer = zlib.compressobj(9)
    packed = b"".join(packer.compress(bytes(1 << 20)) for _megabyte in range(1 << 10)) + packer.flush()
    head = f"<</Type/ObjStm/N 1/First 4/Filter/FlateDecode/Length {len(packed)}>>".encode()
    stream = b"3 0 obj " + head + b" stream\n" + packed + b"\nendstream endobj\n"
    body = b"%PDF-1.7\n" + stream
    entries = bytes([0, 0, 0, 255]) + bytes([2, 0, 3, 0]) * 2 + bytes([1, 0, 9, 0])
    table = f"<</Type/XRef/Size 4/W[1 2 1]/Root 1 0 R/Length {len(entries)}>>".encode()
    return (
        body + b"4 0 obj " + table + b" stream\n" + entries + b"\nendstream endobj\nstartxref\n%d\n%%%%EOF" % len(body)
    )


def deep():
    return b"%PDF-1.7\n1 0 obj " + b"[" * 200_000 + b" endobj\ntrailer <</Root 1 0 R>>\n%%EOF"


@pytest.mark.parametrize(
    ("content", "problems"),
    [
        (pdf(3, "secret"), {"encrypted"}),
        (b"%PDF-1.7 \0", {"unreadable"}),
        (pdf(3)[:200], {"unreadable"}),
        (b"%PDF-1.7\ntrailer <</Root 1 0 R>>\n1 0 obj <</Pages 1 0 R/Kids[1 0 R]/Type/Pages>> endobj", None),
        (bomb(), {"too_complex", "unreadable"}),
        (inflating(), {"too_complex", "unreadable"}),
        (deep(), {"too_complex", "unreadable"}),
    ],
    ids=["encrypted", "bare", "cut", "circular", "tree", "inflating", "deep"],
)
def test_a_pdf_that_cannot_be_counted_is_still_a_lesson(
    make, read, upload, deliver, core, monkeypatch, content, problems
):
    monkeypatch.setattr(content_pdf, "_SECONDS", 3.0)
    url = make("pdf", {"fileId": upload(content)})
    deliver()
    found = read(url)["content"]
    assert found["pages"] is None
    assert problems is None or found["problem"] in problems
    with core.reader() as db:
        assert dead_letters(db) == []
    assert read(url)["durationMinutes"] is None


def test_a_pdf_that_asks_for_no_password_is_read(make, read, upload, deliver):
    url = make("pdf", {"fileId": upload(pdf(3, "", "owner"))})
    deliver()
    assert read(url)["content"]["pages"] == 3


def test_a_file_that_is_gone_or_too_large_is_not_looked_into(make, read, upload, core, make_app):
    first, second = (make("pdf", {"fileId": upload(pdf(1))}) for _time in range(2))
    with core.transaction() as db:
        gone = uuid.UUID(read(first)["content"]["fileId"])
        db.execute(update(FileUpload).where(FileUpload.id == gone).values(virus_scan_result="infected"))
    deliver_pending(make_app(lms__content__process_bytes=10).app.registry)
    assert (read(first)["content"]["pages"], read(first)["content"]["problem"]) == (None, "file_gone")
    assert (read(second)["content"]["pages"], read(second)["content"]["problem"]) == (None, "file_too_large")


def test_a_storage_that_is_down_is_tried_again(make, read, upload, deliver, registry, core):
    url = make("pdf", {"fileId": upload(pdf(4))})
    [file] = stored(core)
    with registry.storage.open(file.storage_path) as stream:
        data = stream.read()
    registry.storage.delete(file.storage_path)
    deliver()
    assert "pages" not in read(url)["content"]
    registry.storage.put(file.storage_path, io.BytesIO(data))
    with core.transaction() as db:
        db.execute(text("UPDATE delivery_failures SET retry_at = now()"))
        db.execute(text("UPDATE outbox SET lease_until = NULL"))
    deliver()
    assert read(url)["content"]["pages"] == 4


# Publishing in between.


def test_what_was_published_meanwhile_is_told_too(make, read, upload, deliver, instructor, student, course, core):
    address = f"/api/v1/courses/{course.id}"
    url = make("pdf", {"fileId": upload(pdf(7))})
    instructor.client.post_json(f"{address}/publish")
    instructor.client.put_json(url, {"content": {"fileId": upload(pdf(2))}})
    student.client.post_json("/api/v1/enrollments", {"courseId": str(course.id)}, status=201)
    deliver()
    assert read(url)["content"]["pages"] == 2
    seen = student.client.get(url).json
    assert (seen["content"]["pages"], seen["durationMinutes"]) == (7, 14)
    with core.transaction() as db:
        assert db.scalars(
            select(VersionModule.estimated_duration_minutes).where(VersionModule.version_id == Course.version_id)
        ).all() == [15]
    instructor.client.post_json(f"{address}/publish")
    assert student.client.get(url).json["content"]["pages"] == 2


def test_finding_something_out_is_no_change_to_publish(make, upload, deliver, instructor, course, core):
    address = f"/api/v1/courses/{course.id}"
    make("pdf", {"fileId": upload(pdf(7))})
    instructor.client.post_json(f"{address}/publish")
    assert instructor.client.get(f"{address}/changes").json["items"] == []
    deliver()
    assert instructor.client.get(f"{address}/changes").json["items"] == []
    with core.transaction() as db:
        before = db.scalars(select(LessonRevision.digest)).all()
    instructor.client.post_json(f"{address}/publish")
    with core.transaction() as db:
        assert sorted(db.scalars(select(LessonRevision.digest))) == sorted(before)


def test_a_copy_of_a_course_is_looked_into_as_well(make, upload, deliver, instructor, course, core):
    make("pdf", {"fileId": upload(pdf(7))})
    instructor.client.post_json(f"/api/v1/courses/{course.id}/duplicate", {}, status=201)
    deliver()
    with core.transaction() as db:
        found = db.scalars(select(Lesson.derived).where(Lesson.content_type == "pdf")).all()
    assert [each["pages"] for each in found] == [7, 7]


# Twice, and at the same time.


def test_a_second_delivery_changes_nothing(make, read, upload, deliver, core):
    url = make("pdf", {"fileId": upload(pdf(7))})
    deliver()
    before = read(url)
    with core.transaction() as db:
        publish(db, LessonContentChanged(uuid.UUID(before["id"])))
    deliver()
    assert read(url) == before


def test_a_newer_edit_is_never_overwritten(make, read, upload, deliver, core, registry, monkeypatch, instructor):
    """The author replaces the file while the old one is being looked into."""
    url, newer = make("pdf", {"fileId": upload(pdf(7))}), upload(pdf(2))
    before, process = objects(core), content_pdf.PdfType.process

    def slowly(self, content, workshop):
        found = process(self, content, workshop)
        workshop.keep(content["fileId"], "thumb", workshop.fetch(content["fileId"]), "thumb.pdf")
        monkeypatch.setattr(content_pdf.PdfType, "process", process)
        instructor.client.put_json(url, {"content": {"fileId": newer}})
        return found

    monkeypatch.setattr(content_pdf.PdfType, "process", slowly)
    deliver()
    lesson = read(url)
    assert (lesson["content"]["fileId"], lesson["content"]["pages"]) == (newer, 2)
    assert [each["fileId"] for each in lesson["attachments"]] == [newer]
    assert len(stored(core)) == 2
    assert objects(core) == before


def test_two_workers_at_one_lesson_leave_one_result(make, read, upload, registry, core, monkeypatch):
    process, meet = content_pdf.PdfType.process, Barrier(2)

    def together(self, content, workshop):
        meet.wait(30)
        found, file = process(self, content, workshop), content["fileId"]
        workshop.keep(file, "copy", workshop.fetch(file), "thumb.pdf")
        return found

    url = make("pdf", {"fileId": upload(pdf(7))})
    with core.transaction() as db:
        publish(db, LessonContentChanged(uuid.UUID(read(url)["id"])))
        events = db.scalars(
            text("SELECT event_id FROM outbox WHERE name = 'courses.lesson_content_changed' ORDER BY id")
        ).all()
    monkeypatch.setattr(content_pdf.PdfType, "process", together)
    with ThreadPoolExecutor(2) as pool:
        told = [pool.submit(deliver_events, registry, "courses.look_into_content", [event]) for event in events[-2:]]
        assert [each.result() for each in told] == [1, 1]
    assert read(url)["content"]["pages"] == 7
    assert [each["derived"] for each in read(url)["attachments"]] == [False, True]
    assert len(stored(core)) == 2


def test_a_file_that_is_deleted_while_it_is_attached_is_one_or_the_other(instructor, course, upload, core):
    token, files = instructor.client.authorization[1], [upload(pdf(1)) for _number in range(6)]

    def attach(file):
        body = {"title": "L", "contentType": "pdf", "content": {"fileId": file}}
        url = f"/api/v1/modules/{course.modules[0]}/lessons"
        return instructor.client.bearer(token).post_json(url, body, expect_errors=True).status_int

    def delete(file):
        return instructor.client.bearer(token).delete(f"/api/v1/files/{file}", expect_errors=True).status_int

    with ThreadPoolExecutor(4) as pool:
        pairs = [(pool.submit(attach, file), pool.submit(delete, file)) for file in files]
        outcomes = {(attached.result(), deleted.result()) for attached, deleted in pairs}
    assert outcomes <= {(201, 409), (422, 204)}


# Films and sound.


def test_without_ffmpeg_the_authors_word_counts(make, read, upload, deliver, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    url = make("video", {"fileId": upload(MP4_HEAD), "durationSeconds": 125})
    deliver()
    assert (read(url)["content"]["problem"], read(url)["durationMinutes"]) == ("tool_missing", 3)


def test_what_could_not_be_told_is_looked_into_again_once_it_can(
    ffmpeg, make, read, upload, deliver, tmp_path, core, instructor, course, monkeypatch
):
    address = f"/api/v1/courses/{course.id}"
    paper = make("pdf", {"fileId": upload(pdf(3))})
    url = make("video", {"fileId": upload(film(ffmpeg, tmp_path / "a.mp4"))})
    instructor.client.post_json(f"{address}/publish")
    with monkeypatch.context() as bare:
        bare.setenv("PATH", str(tmp_path))
        deliver()
    before = read(paper)
    assert read(url)["content"]["problem"] == "tool_missing"
    assert tasks.look_again(core) == 1
    assert instructor.client.get(f"{address}/changes").json["items"] == []
    deliver()
    assert read(url)["content"]["measuredSeconds"] == 2
    assert "problem" not in read(url)["content"]
    assert instructor.client.get(f"{address}/changes").json["items"] == []
    assert read(paper) == before
    assert tasks.look_again(core) == 0


def test_versions_of_which_the_same_is_found_out_are_one_state_of_the_lesson(
    make, read, upload, deliver, core, instructor, course, monkeypatch
):
    """One was published when nothing could be told, another when it could, and the first was put back since."""
    address, process, file = f"/api/v1/courses/{course.id}", content_pdf.PdfType.process, upload(pdf(3))
    url = make("pdf", {"fileId": file})

    def published(problem):
        """Whoever sends the file anew, after another, has it looked into again."""
        found = lambda self, content, workshop: {"pages": None, "problem": problem}  # noqa: E731
        monkeypatch.setattr(content_pdf.PdfType, "process", found if problem else process)
        for sent in (upload(pdf(1)), file):
            instructor.client.put_json(url, {"content": {"fileId": sent}})
        deliver()
        instructor.client.post_json(f"{address}/publish")

    for problem in ("tool_missing", "too_complex", None):
        published(problem)
    instructor.client.post_json(f"{address}/versions/2/restore")
    instructor.client.post_json(f"{address}/publish")
    assert read(url)["content"]["problem"] == "tool_missing"
    assert tasks.look_again(core) == 1
    deliver()
    with core.reader() as db:
        assert dead_letters(db) == []
    assert (read(url)["content"]["pages"], read(url)["durationMinutes"]) == (3, 6)
    for number in (2, 3, 4, 5):
        seen = instructor.client.get(f"{address}/versions/{number}/lessons/{read(url)['id']}").json
        assert (seen["content"]["pages"], seen["durationMinutes"]) == (3, 6), number
    assert instructor.client.get(f"{address}/changes").json["items"] == []


# Criteria that nobody could be held to.


def test_a_share_is_asked_of_what_has_a_length(instructor, course, make, read, upload, deliver, monkeypatch, tmp_path):
    address = f"/api/v1/courses/{course.id}/publish"
    untold = "What the lesson {} in Module 1 asks for cannot be told: say how long it is, or ask for less."

    def refused():
        answer = instructor.client.post_json(address, status=409).json
        assert answer["code"] == "course_incomplete"
        return answer["errors"]["lessons"]

    played = {"completionCriteria": {"playedPercent": 90}}
    elsewhere = {"url": "https://player.vimeo.com/video/1"}
    make("video", elsewhere, title="Free")
    film = make("video", elsewhere, title="Film", **played)
    assert refused() == [untold.format("Film")]
    instructor.client.put_json(film, {"content": {**elsewhere, "durationSeconds": 60}})
    instructor.client.post_json(address)

    # A file is measured soon; what could not be is known then, and goes on being shown.
    monkeypatch.setenv("PATH", str(tmp_path))
    own = make("video", {"fileId": upload(MP4_HEAD)}, title="Own", **played)
    paper = make("pdf", {"fileId": upload(b"%PDF-1.4 no")}, title="Paper", completionCriteria={"readPercent": 9})
    instructor.client.post_json(address)
    deliver()
    assert refused() == [untold.format("Own"), untold.format("Paper")]
    instructor.client.put_json(own, {"content": {**read(own)["content"], "durationSeconds": 60}})
    instructor.client.put_json(paper, {"completionCriteria": {}})
    instructor.client.post_json(address)


@pytest.mark.parametrize("name", ["a.mp4", "a.webm", "a.mkv", "a.mov", "a.avi", "a.flv"])
def test_a_film_is_measured_and_has_a_still(ffmpeg, make, read, upload, deliver, tmp_path, instructor, name):
    url = make("video", {"fileId": upload(film(ffmpeg, tmp_path / name), name), "durationSeconds": 900})
    deliver()
    lesson = read(url)
    content = lesson["content"]
    assert (content["measuredSeconds"], content["width"], content["height"]) == (2, 320, 240)
    assert "problem" not in content
    assert lesson["durationMinutes"] == 1
    still = instructor.client.get(f"/api/v1/files/{content['stillFileId']}/content")
    assert still.content_type == "image/jpeg"
    assert still.body[:2] == b"\xff\xd8"
    assert lesson["attachments"][-1]["derived"] is True


def test_the_still_is_for_the_lessons_readers(
    ffmpeg, make, read, upload, deliver, tmp_path, student, app, instructor, course
):
    url = make("video", {"fileId": upload(film(ffmpeg, tmp_path / "a.mp4"))})
    instructor.client.post_json(f"/api/v1/courses/{course.id}/publish")
    student.client.post_json("/api/v1/enrollments", {"courseId": str(course.id)}, status=201)
    deliver()
    still = f"/api/v1/files/{read(url)['content']['stillFileId']}/content"
    assert student.client.get(still).content_type == "image/jpeg"
    app.get(still, status=404)


def test_other_captions_leave_what_was_measured_alone(ffmpeg, make, read, upload, deliver, tmp_path, instructor, core):
    url = make("video", {"fileId": upload(film(ffmpeg, tmp_path / "a.mp4"))})
    deliver()
    content, files = read(url)["content"], len(stored(core))
    track = {"fileId": upload(VTT), "kind": "captions", "language": "en"}
    changed = instructor.client.put_json(url, {"content": {**content, "tracks": [track]}}).json
    assert changed["content"] == {**content, "tracks": [track]}
    assert [each["fileId"] for each in changed["attachments"]] == [
        content["fileId"], track["fileId"], content["stillFileId"],
    ]  # fmt: skip
    deliver()
    assert read(url)["content"] == changed["content"]
    assert len(stored(core)) == files + 1


def test_saving_a_lesson_as_it_is_changes_nothing(ffmpeg, make, read, upload, deliver, tmp_path, instructor, course):
    """What stands beside its content comes last, whether the still was made before it was sent or after."""
    paper, address = upload(pdf(1)), f"/api/v1/courses/{course.id}"
    url = make("video", {"fileId": upload(film(ffmpeg, tmp_path / "a.mp4"))}, attachments=[paper])
    deliver()
    instructor.client.post_json(f"{address}/publish")
    lesson = read(url)
    still = {"fileId": lesson["content"]["stillFileId"], "attached": False, "derived": True}
    assert still.items() <= lesson["attachments"][1].items()
    saved = {"attachments": [paper], "content": lesson["content"]}
    for change in ({"attachments": [paper]}, {"content": lesson["content"]}, saved):
        assert instructor.client.put_json(url, change).json["attachments"] == lesson["attachments"]
    assert instructor.client.get(f"{address}/changes").json["items"] == []


def test_two_lessons_of_one_film_share_its_still(ffmpeg, make, read, upload, deliver, tmp_path, core):
    file = upload(film(ffmpeg, tmp_path / "a.mp4"))
    first, second = make("video", {"fileId": file}), make("video", {"fileId": file})
    deliver()
    assert read(first)["content"]["stillFileId"] == read(second)["content"]["stillFileId"]
    assert len(stored(core)) == 2


@pytest.mark.parametrize("name", ["a.mp3", "a.m4a", "a.ogg", "a.wav", "a.flac", "a.aac", "sound.mp4", "sound.webm"])
def test_a_recording_is_measured(ffmpeg, make, read, upload, deliver, tmp_path, name):
    url = make("audio", {"fileId": upload(film(ffmpeg, tmp_path / name, picture=False))})
    deliver()
    assert (read(url)["content"]["measuredSeconds"], read(url)["durationMinutes"]) == (2, 1)


def test_a_film_without_a_picture_is_said_to_be_one(ffmpeg, make, read, upload, deliver, tmp_path):
    url = make("video", {"fileId": upload(film(ffmpeg, tmp_path / "a.mp4", picture=False))})
    deliver()
    content = read(url)["content"]
    assert (content["measuredSeconds"], content["problem"]) == (2, "no_picture")


def test_no_film_makes_ffmpeg_read_another_file(ffmpeg, make, read, upload, deliver, tmp_path):
    """A list of files that begins like a film: taken for the list that it is, it would show another file's content."""
    other = tmp_path / "secret.mp4"
    film(ffmpeg, other)
    listed = f"ffconcat version 1.0\nfile {other}\n"
    playlist = f"#EXTM3U\n#EXTINF:2,\nfile://{other}\n#EXT-X-ENDLIST\n"
    for words in (listed, playlist):
        for head in (MP4_HEAD, b"\x1aE\xdf\xa3", b"RIFF\0\0\0\0AVI LIST"):
            url = make_or_refuse(make, upload(head + b"\n" + words.encode()))
            deliver()
            if url is not None:
                content = read(url)["content"]
                assert "measuredSeconds" not in content
                assert content["problem"] == "unreadable"


def make_or_refuse(make, file):
    try:
        return make("video", {"fileId": file})
    except Exception as error:
        assert "file_kind_wrong" in str(error)  # noqa: PT017  # Told by its first bytes already.
        return None


def test_a_film_that_is_broken_is_still_a_lesson(ffmpeg, make, read, upload, deliver, tmp_path):
    whole = film(ffmpeg, tmp_path / "a.mp4")
    for data in (MP4_HEAD, whole[: len(whole) // 2], whole[:64] + bytes(len(whole))):
        url = make("video", {"fileId": upload(data)})
        deliver()
        assert read(url)["content"]["problem"] == "unreadable"


# A type of somebody else's.


@pytest.fixture
def kitchen(settings, instructor):
    """A caller of an application that has one content type more."""
    plugins = Plugins(lms_core.HOOKS, found=[*entry_points(group=GROUP), RECIPE])
    config = lms_core.configure(settings, plugins)
    yield Client(config.make_wsgi_app(), instructor.client.authorization[1])
    config.registry.request_log.close()
    config.registry.core.close()


def test_a_third_partys_type_needs_nothing_of_the_core(kitchen, course, upload, instructor):
    registry = kitchen.app.registry
    [listed] = [each for each in kitchen.get("/api/v1/content-types").json["items"] if each["name"] == "recipe"]
    assert listed["schema"]["properties"]["photoBytes"]["readOnly"] is True
    photo = upload(PNG)
    content = {"steps": ["<p>Stir<script>x</script></p>", "Bake"], "photoId": photo, "cook": "Ada"}
    body = {"title": "Bread", "contentType": "recipe", "content": content, "completionCriteria": {"cooked": True}}
    lessons = f"/api/v1/modules/{course.modules[0]}/lessons"
    made = kitchen.post_json(lessons, body, status=201).json
    assert made["content"]["steps"] == ["<p>Stir</p>", "Bake"]
    assert (made["removed"], made["durationMinutes"]) == (["script"], 10)
    assert [each["fileId"] for each in made["attachments"]] == [photo]

    deliver_pending(registry)
    lesson = kitchen.get(f"/api/v1/lessons/{made['id']}").json
    assert lesson["content"]["photoBytes"] == len(PNG)
    assert lesson["durationMinutes"] == 11
    small = kitchen.get(f"/api/v1/files/{lesson['content']['smallPhotoId']}/content")
    assert small.body == PNG[:64]

    bad = {"title": "Bread", "contentType": "recipe", "content": {"steps": []}}
    assert kitchen.post_json(lessons, bad, status=422).json["code"] == "invalid"
    assert instructor.client.get(f"/api/v1/lessons/{made['id']}").json["content"] == lesson["content"]
    off = instructor.client.put_json(f"/api/v1/lessons/{made['id']}", {"content": content}, status=409)
    assert off.json["code"] == "content_type_unavailable"


def test_a_type_that_tells_what_its_schema_does_not_know_is_a_dead_letter(make, upload, deliver, core, monkeypatch):
    monkeypatch.setattr(content_pdf.PdfType, "process", lambda self, content, workshop: {"fileId": "another"})
    make("pdf", {"fileId": upload(pdf(1))})
    deliver()
    with core.reader() as db:
        [letter] = dead_letters(db)
    assert (letter.subscriber, "fileId is no dump_only field" in letter.error) == ("courses.look_into_content", True)


def test_two_types_of_one_name_stop_the_start(settings, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "another_text.py").write_text(
        "from lms_plugins.content_text import TextType\nfrom lms_core.plugin_api import hookimpl\n"
        'api_version = "1"\n@hookimpl\ndef lms_content_types(): return [TextType()]\n'
    )
    plugins = Plugins(lms_core.HOOKS, found=[*entry_points(group=GROUP), EntryPoint("another", "another_text", GROUP)])
    with pytest.raises(SettingsError, match="two plugins bring a content type named text"):
        lms_core.configure(settings, plugins)


def test_the_subscriber_is_long_work(registry):
    subscriber = registry.events.subscriber("courses.look_into_content")
    assert (subscriber.queue, subscriber.handler) == ("long", tasks.look_into)
