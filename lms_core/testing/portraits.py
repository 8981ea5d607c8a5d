"""A course as plain values, for a test to say that two courses are equal: without ids, times and places of storage."""

import hashlib
import re
import uuid
from collections.abc import Collection
from typing import Any

from pyramid.registry import Registry

from lms_core.courses import queries
from lms_core.courses.models import CourseVersion
from lms_core.files.models import FileUpload

_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_OF_THE_COURSE = (
    "code", "title", "description", "syllabus", "category", "sub_category", "level", "language", "thumbnail_url",
    "intro_video_url", "duration_minutes", "price", "currency", "enrollment_type", "max_students", "tags",
    "learning_outcomes", "requirements", "target_audience", "completion_certificate", "certificate_months",
    "allow_discussion", "allow_download",
)  # fmt: skip
_OF_ONE_INSTALLATION = frozenset({"id", "course_id", "module_id", "created_at", "updated_at", "derived"})
"""What each finds out by itself included."""


def portrait(
    registry: Registry, course_id: uuid.UUID, number: int | None = None, *, without: Collection[str] = ()
) -> dict[str, Any]:
    """The draft of a course, or a version of it: what its author sees, with the bytes of its files.

    Wherever it names a file of its own, that file's name and the SHA-256 of its content stand instead, and modules that
    it demands stand for by their places. ``without`` are columns that shall not count.
    """
    core = registry.core
    with core.transaction() as db:
        version_id = None
        if number is not None:
            version = db.query(CourseVersion).filter_by(course_id=course_id, number=number).one()
            version_id = version.id
        course = queries.detail(db, course_id)
        assert course is not None, "there is no such course"
        modules, lessons = queries.contents(db, course_id, version_id)
        used = {uuid.UUID(entry["fileId"]) for lesson in lessons for entry in lesson.attachments}
        used |= {course.thumbnail_file_id} - {None}
        uploads = db.query(FileUpload).filter(FileUpload.id.in_(used)).all()
        files = {str(upload.id): _told(registry, upload) for upload in uploads}
    places = {str(module.id): f"module {place}" for place, module in enumerate(modules)}

    def plain(row: Any) -> dict[str, Any]:
        kept = {name: value for name, value in row._mapping.items() if name not in {*_OF_ONE_INSTALLATION, *without}}
        return {name: _named(value, {**files, **places}) for name, value in kept.items()}

    own = {name: getattr(course, name) for name in _OF_THE_COURSE if name not in without}
    if number is None:
        own["duration_minutes"] = course.draft_duration_minutes
    if course.thumbnail_file_id is not None:
        own["thumbnail_url"] = files[str(course.thumbnail_file_id)]
    elif str(own.get("thumbnail_url") or "").startswith("/"):
        own["thumbnail_url"] = None  # A cover that was drawn, which any installation does by itself.
    return {
        **own,
        "modules": [
            {**plain(module), "lessons": [plain(lesson) for lesson in lessons if lesson.module_id == module.id]}
            for module in modules
        ],
    }


def _told(registry: Registry, upload: FileUpload) -> str:
    with registry.storages.of(upload.storage_provider).open(upload.storage_path) as stream:
        return f"{upload.file_name} {hashlib.sha256(stream.read()).hexdigest()}"


def _named(value: Any, names: dict[str, str]) -> Any:
    if isinstance(value, str | uuid.UUID):
        return _UUID.sub(lambda found: names.get(found[0], found[0]), str(value))
    if isinstance(value, list):
        return [_named(each, names) for each in value]
    if isinstance(value, dict):
        return {key: _named(each, names) for key, each in value.items()}
    return value
