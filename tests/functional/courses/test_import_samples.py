"""Real cartridges, imported whole: every page's pictures are there, and what is left out is named."""

import re
import zipfile

import pytest
from sqlalchemy import select

from lms_core.courses.exporter import export_course
from lms_core.courses.importer import import_course
from lms_core.courses.models import Lesson, Module
from lms_core.testing.portraits import portrait


@pytest.mark.parametrize("name", ["allyworkshop.imscc", "canvas_cc_gem_course.imscc"])
def test_a_real_cartridge_becomes_a_published_course(samples, name, registry, core, instructor, app):
    report = import_course(registry, samples / "cartridges" / name, instructor.email, publish=True)
    course = app.get(f"/api/v1/courses/{report.slug}").json
    assert (course["title"], course["isPublished"]) == (report.title, True)
    assert course["durationMinutes"] > 0
    assert all(each.reason and "${" not in each.reason for each in report.skipped)
    with core.transaction() as db:
        lessons = list(db.scalars(select(Lesson).join(Module, Module.id == Lesson.module_id)))
    assert len(lessons) == report.lessons > 0
    used = set()
    for lesson in lessons:
        shown = re.findall(r"/api/v1/files/([0-9a-f-]+)/content", lesson.content.get("html", ""))
        attached = {entry["fileId"] for entry in lesson.attachments}
        assert attached >= set(shown)
        used |= attached
    assert len(used) == report.files


def test_every_file_arrives_as_it_is_in_the_cartridge(samples, registry, core, instructor):
    path = samples / "cartridges" / "allyworkshop.imscc"
    import_course(registry, path, instructor.email)
    with zipfile.ZipFile(path) as archive:
        originals = {archive.read(name) for name in archive.namelist() if name.startswith("web_resources/")}
    with core.transaction() as db:
        attached = [entry for entries in db.scalars(select(Lesson.attachments)) for entry in entries]
    kinds = set()
    for entry in {entry["fileId"]: entry for entry in attached}.values():
        content = instructor.client.get(f"/api/v1/files/{entry['fileId']}/content")
        assert content.body in originals
        assert content.content_length == entry["size"]
        assert content.content_type == entry["type"]
        kinds.add(content.content_type)
    assert kinds >= {"application/pdf", "image/png", "image/jpeg"}


@pytest.mark.parametrize("name", ["allyworkshop.imscc", "canvas_cc_gem_course.imscc"])
def test_what_was_brought_once_travels_on_without_loss(samples, name, registry, instructor, tmp_path):
    first = import_course(registry, samples / "cartridges" / name, instructor.email)
    path = tmp_path / "again.imscc"
    report = export_course(registry, str(first.course_id), path)
    assert (report.modules, report.lessons, report.files) == (first.modules, first.lessons, first.files)
    assert report.lost == []
    second = import_course(registry, path, instructor.email)
    assert [each.reason.partition(" the code ")[0] for each in second.skipped] == ["Another course has"]
    assert portrait(registry, second.course_id, without=["code"]) == portrait(
        registry, first.course_id, without=["code"]
    )
