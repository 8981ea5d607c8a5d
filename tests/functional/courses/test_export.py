"""What is exported comes back as the same course, and an export that fails leaves nothing behind."""

import uuid
import zipfile
from importlib.metadata import EntryPoint, entry_points

import pytest
from sqlalchemy import select, update

import lms_core
from lms_core.courses import service
from lms_core.courses.exporter import export_course
from lms_core.courses.importer import import_course
from lms_core.courses.lifecycle.service import delete
from lms_core.courses.models import Course
from lms_core.files.models import FileUpload
from lms_core.kernel.errors import LMSError
from lms_core.kernel.plugins import GROUP, Plugins
from lms_core.testing.courses import make_course
from lms_core.testing.portraits import portrait
from tests.functional.courses.rich import COURSE, SIMULATION, make_rich_course

BRITTLE = EntryPoint("brittle", "tests.fixtures.brittle_storage:plugin", GROUP)


@pytest.fixture
def course_id(registry, instructor):
    return make_rich_course(registry, instructor.id)


@pytest.fixture
def export(registry, tmp_path):
    """``export(course_id)`` -> the file, and the report."""

    def export(course_id, name="course.imscc", **options):
        target = tmp_path / name
        return target, export_course(registry, str(course_id), target, **options)

    return export


def forget(core, course_id):
    """Delete a course, so that another one may have its code."""
    with core.transaction() as db:
        delete(db, core, course_id)


def test_a_course_comes_back_as_it_was(registry, core, export, instructor, course_id):
    wanted = portrait(registry, course_id)
    path, report = export(course_id)
    assert (report.title, report.version, report.modules, report.lessons) == (COURSE["title"].strip(), None, 3, 11)
    assert (report.files, report.lost) == (7, [])
    forget(core, course_id)
    back = import_course(registry, path, instructor.email)
    assert back.skipped == []
    assert portrait(registry, back.course_id) == wanted


def test_beside_the_original_it_gets_a_code_of_its_own(registry, export, instructor, course_id):
    path, _report = export(course_id)
    back = import_course(registry, path, instructor.email)
    assert [(each.name, each.reason) for each in back.skipped] == [
        (" ".join(COURSE["title"].split()), "Another course has the code BROT-1.0_x.")
    ]
    assert portrait(registry, back.course_id, without=["code"]) == portrait(registry, course_id, without=["code"])


def test_who_knows_nothing_of_attachments_finds_a_link_to_them(export, course_id):
    path, _report = export(course_id)
    with zipfile.ZipFile(path) as archive:
        pages = [archive.read(name).decode() for name in archive.namelist() if name.endswith(".html")]
    [reading] = [page for page in pages if "<title>Reading</title>" in page]
    link = '<p><a href="$IMS-CC-FILEBASE$/%C3%9Cbung.pdf">Übung.pdf</a></p>'
    assert reading.count(link) == 1


def test_a_copy_of_a_copy_is_still_the_same(registry, core, export, instructor, course_id):
    wanted = portrait(registry, course_id)
    for number in range(3):
        path, _report = export(course_id, f"{number}.imscc")
        forget(core, course_id)
        course_id = import_course(registry, path, instructor.email).course_id
    assert portrait(registry, course_id) == wanted


def test_a_version_is_exported_as_it_was_published(registry, core, export, instructor):
    made = make_course(core, instructor.id, modules=2, lessons=2, title="Versioned")
    first = portrait(registry, made.id, 1, without=["code"])
    with core.transaction() as db:
        service.update_lesson(db, core, made.lessons[0], instructor.id, {"title": "Changed"})
        service.update_module(db, made.modules[1], {"is_published": False})
    path, report = export(made.id, number=1)
    assert (report.version, report.lessons) == (1, 4)
    back = import_course(registry, path, instructor.email)
    assert portrait(registry, back.course_id, without=["code"]) == first
    draft, _report = export(made.id, "draft.imscc")
    back = import_course(registry, draft, instructor.email)
    assert portrait(registry, back.course_id, without=["code"]) == portrait(registry, made.id, without=["code"])


def test_a_course_that_is_published_can_be_imported_published(registry, core, export, instructor):
    made = make_course(core, instructor.id, title="Whole")
    path, _report = export(made.id)
    back = import_course(registry, path, instructor.email, publish=True)
    assert portrait(registry, back.course_id, 1)["modules"] == portrait(registry, made.id, 1)["modules"]


def test_a_cover_that_was_drawn_stays_at_home(registry, core, export, instructor, deliver):
    made = make_course(core, instructor.id, title="Drawn")
    deliver()
    wanted = portrait(registry, made.id)
    path, _report = export(made.id)
    forget(core, made.id)
    back = import_course(registry, path, instructor.email)
    assert back.skipped == []
    assert portrait(registry, back.course_id) == wanted


def test_what_is_not_possible_here_is_told_and_does_without(configure, core, export, instructor, course_id):
    path, _report = export(course_id)
    forget(core, course_id)
    poorer = configure("local", lms__content__embed_hosts=("example.org",), lms__plugins__disabled=("content_audio",))
    back = import_course(poorer, path, instructor.email)
    assert [(each.name, each.reason) for each in back.skipped] == [
        ("Sound", "The content type “audio” is switched off."),
        ("Simulation", "Not an https:// address on one of these hosts: example.org."),
        ("Simulation", f"{SIMULATION} may not be embedded here; a link to it remains."),
    ]
    lessons = {lesson["title"]: lesson for module in portrait(poorer, back.course_id)["modules"]
               for lesson in module["lessons"]}  # fmt: skip
    assert f'<a href="{SIMULATION}"' in lessons["Simulation"]["content"]["html"]
    assert lessons["Simulation"]["description"] == "Über Simulation\nmehr"
    assert "sound.mp3" in lessons["Sound"]["content"]["html"]
    assert lessons["Sound"]["allow_comments"] is False


def test_what_shows_another_sites_page_does_so_without_our_record(registry, core, export, instructor, course_id):
    """In other systems too, and here where the cartridge was changed since."""
    path, _report = export(course_id)
    with zipfile.ZipFile(path) as archive, zipfile.ZipFile(path.with_suffix(".zip"), "w") as bare:
        for name in archive.namelist():
            if name != "lms-core/course.json":
                bare.writestr(name, archive.read(name))
    back = import_course(registry, path.with_suffix(".zip"), instructor.email)
    lessons = {lesson["title"]: lesson for lesson in portrait(registry, back.course_id)["modules"][0]["lessons"]}
    assert lessons["Wellen"]["content_type"] == "interactive"
    assert lessons["Wellen"]["content"]["src"] == SIMULATION
    assert [each["content_type"] for each in lessons.values()] == [
        "text", "text", "link", "pdf", "video", "link", "audio", "interactive",
    ]  # fmt: skip


def test_the_same_course_is_the_same_file(export, course_id, core):
    first, second = export(course_id, "a.imscc")[0].read_bytes(), export(course_id, "b.imscc")[0].read_bytes()
    assert first == second
    with core.transaction() as db:
        db.execute(update(Course).where(Course.id == course_id).values(updated_at=core.clock()))
    assert export(course_id, "c.imscc")[0].read_bytes() == first


def test_a_course_is_named_by_id_slug_or_code(registry, core, export, instructor):
    made = make_course(core, instructor.id, title="Named so", code="NAMED")
    for name in (str(made.id), "named-so", "NAMED", "named", str(made.id).upper()):
        assert export(name)[1].title == "Named so"
    for name in ("name", str(uuid.uuid4()), "", "' OR 1=1 --"):
        with pytest.raises(LMSError) as refused:
            export(name)
        assert refused.value.code == "course_unknown"


def test_a_slug_goes_before_another_courses_code(core, export, instructor):
    make_course(core, instructor.id, title="Second", code="first")
    make_course(core, instructor.id, title="First")
    assert export("first")[1].title == "First"


@pytest.mark.parametrize(
    ("wanted", "code"), [({"number": 1}, "version_unknown"), ({"format_name": "scorm"}, "export_format_unknown")]
)
def test_what_is_not_there_is_not_exported(export, course_id, tmp_path, wanted, code):
    with pytest.raises(LMSError) as refused:
        export(course_id, **wanted)
    assert refused.value.code == code
    assert list(tmp_path.iterdir()) == []


def test_a_deleted_course_is_not_exported(core, export, course_id):
    forget(core, course_id)
    with pytest.raises(LMSError) as refused:
        export(course_id)
    assert refused.value.code == "course_unknown"


def lose(registry, name):
    """The object of a file is gone; its row is not. Answers how many had the name."""
    with registry.core.transaction() as db:
        uploads = db.scalars(select(FileUpload).where(FileUpload.file_name == name)).all()
        for upload in uploads:
            registry.storage.delete(upload.storage_path)
    return len(uploads)


def test_a_file_that_is_lost_is_named_and_the_rest_is_exported(registry, export, instructor, course_id):
    assert lose(registry, "Käse 🧀 (1).png") == 1
    assert lose(registry, "sound.mp3") == 1
    path, report = export(course_id)
    assert [(each.name, each.reason) for each in report.lost] == [
        ("Käse 🧀 (1).png", "This file of “Reading” is lost."),
        ("sound.mp3", "This file of “Sound” is lost."),
    ]
    assert report.files == 5
    back = import_course(registry, path, instructor.email)
    lessons = {lesson["title"]: lesson for module in portrait(registry, back.course_id)["modules"]
               for lesson in module["lessons"]}  # fmt: skip
    assert len(lessons) == 11
    assert 'src="#"' in lessons["Same picture"]["content"]["html"]
    assert lessons["Same picture"]["attachments"] == []
    assert lessons["Sound"]["content_type"] == "text"
    assert "Die Datei „sound.mp3“" in lessons["Sound"]["content"]["html"]
    assert lessons["Sound"]["allow_comments"] is False
    assert lessons["Film"]["content_type"] == "video"


def test_an_infected_file_stays_where_it_is(registry, core, export, course_id):
    with core.transaction() as db:
        db.execute(update(FileUpload).where(FileUpload.mime_type == "video/mp4").values(virus_scan_result="infected"))
    path, report = export(course_id)
    assert [(each.name, each.reason) for each in report.lost] == [("paper.pdf", "This file of “Film” is infected.")]
    with zipfile.ZipFile(path) as archive:
        assert not any(b"ftypisom" in archive.read(name) for name in archive.namelist())


@pytest.fixture
def configure(settings):
    """``configure(backend, **changes)`` -> a registry with that storage for new files, and settings changed."""
    made = []

    def configure(backend, lms__plugins__disabled=(), **changes):
        changes["lms__storage__backend"] = backend
        found = [*entry_points(group=GROUP), BRITTLE]
        plugins = Plugins(lms_core.HOOKS, lms__plugins__disabled, found=found)
        made.append(lms_core.configure(settings.replace(**changes), plugins).registry)
        return made[-1]

    yield configure
    for registry in made:
        registry.request_log.close()
        registry.core.close()


def test_a_storage_that_goes_away_leaves_no_half_file(configure, instructor, tmp_path):
    brittle = configure("brittle")
    course_id, target = make_rich_course(brittle, instructor.id), tmp_path / "course.imscc"
    target.write_text("what was there")
    with pytest.raises(LMSError) as refused:
        export_course(brittle, str(course_id), target)
    assert refused.value.code == "storage_unavailable"
    assert [path.name for path in tmp_path.iterdir()] == ["course.imscc"]
    assert target.read_text() == "what was there"


def test_a_storage_that_is_not_set_up_is_no_lost_file(core, export, course_id, tmp_path):
    with core.transaction() as db:
        db.execute(update(FileUpload).values(storage_provider="elsewhere"))
    with pytest.raises(LMSError) as refused:
        export(course_id)
    assert refused.value.code == "storage_unavailable"
    assert list(tmp_path.iterdir()) == []


def test_progress_that_raises_stops_it(export, course_id, tmp_path):
    def stop(_step, done, _total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export(course_id, progress=stop)
    assert list(tmp_path.iterdir()) == []


def test_progress_is_told_in_bytes(export, course_id):
    told = []
    export(course_id, progress=lambda *step: told.append(step))
    assert {step for step, _done, _total in told} == {"files"}
    assert [done for _step, done, _total in told] == sorted(done for _step, done, _total in told)
    assert told[-1][1] == told[-1][2] > 10_000


def test_a_target_that_cannot_be_written_is_said_to_be_one(registry, course_id, tmp_path):
    for target in (tmp_path / "no" / "such" / "folder.imscc", tmp_path):
        with pytest.raises(LMSError) as refused:
            export_course(registry, str(course_id), target)
        assert refused.value.code == "export_unwritable"


def test_reading_costs_the_same_whatever_the_size(core, export, instructor, statements):
    def cost(lessons):
        made = make_course(core, instructor.id, lessons=lessons)
        with statements() as seen:
            export(made.id)
        return seen.count

    assert cost(40) == cost(2) <= 8


def test_a_file_that_is_moved_meanwhile_is_not_lost(configure, core, instructor, tmp_path):
    """The rows were read before the move: the object is where they say no longer."""
    registry = configure("local")
    course_id = make_rich_course(registry, instructor.id)
    shelf, local = registry.storages.of("shelf"), registry.storages.of("local")
    moved = []

    def move(_step, _done, _total):
        with core.transaction() as db:
            for upload in db.scalars(select(FileUpload).where(FileUpload.storage_provider == "local")):
                with local.open(upload.storage_path) as source:
                    shelf.put(upload.storage_path, source)
                upload.storage_provider = "shelf"
                moved.append(upload.storage_path)
                local.delete(upload.storage_path)

    report = export_course(registry, str(course_id), tmp_path / "a.imscc", progress=move)
    assert (report.files, report.lost) == (7, [])
    assert len(moved) == 7
