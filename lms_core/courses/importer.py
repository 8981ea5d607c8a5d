"""Bringing a whole course in from a file: what an importer plugin reads becomes rows and stored files, or nothing.

The plugin reads outside any transaction. Then everything is written in one; if anything fails, no row remains and
no stored file either (:mod:`lms_core.files.rollback`). The files are the instructor's, within the instructor's quota.
"""

import re
import secrets
import uuid
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from pyramid.i18n import TranslationString
from sqlalchemy import insert, select, text
from sqlalchemy.orm import Session

from lms_core.accounts import queries as accounts
from lms_core.accounts.queries import Account
from lms_core.courses import service
from lms_core.courses.content.service import announce
from lms_core.courses.importing import CourseImporter, ImportedCourse, ImportedModule, ImportLimits, Skipped
from lms_core.courses.lesson_maker import LessonMaker, Reading
from lms_core.courses.models import Course, Lesson, Module
from lms_core.courses.pictures import KINDS
from lms_core.courses.queries import is_called
from lms_core.courses.records import UNPRINTABLE, CourseRecord, ModuleRecord, load_record
from lms_core.courses.references import referenced_files
from lms_core.courses.ways import DEFAULT_WAY, check_prerequisites, enrollment_columns, ways_to_enroll
from lms_core.files.models import FileUpload
from lms_core.files.service import Claim, claimed, quota_of, settle, store_file
from lms_core.kernel.audit import audit
from lms_core.kernel.core import Core
from lms_core.kernel.errors import Invalid, TooLarge
from lms_core.kernel.i18n import _
from lms_core.kernel.schemas import Schema
from lms_core.kernel.texts import TURN, VISIBLE

Progress = Callable[[str, int, int], None]
"""Told ``(step, done, total)``: ``reading`` (0 or 1 of 1), then ``files`` in bytes, then ``lessons``."""

PERMISSION = "courses:import:own"
"""What the future owner of the course must have been granted."""

MAX_TITLE = 255
MAX_DESCRIPTION = 20_000
"""Characters, as the API allows them."""

_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})?")


@dataclass(frozen=True, slots=True)
class _Owner:
    """The future owner of the course; ``quota`` is in bytes, 0 for none."""

    id: uuid.UUID
    language: str
    quota: int


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What became of a file: the course, how many modules, lessons and files it has, and what was not brought.

    The reasons in ``skipped`` are in the instructor's language.
    """

    course_id: uuid.UUID
    slug: str
    title: str
    modules: int
    lessons: int
    files: int
    skipped: list[Skipped]


def import_course(
    registry: Any, path: Path, instructor_email: str, *, publish: bool = False, progress: Progress | None = None
) -> ImportReport:
    """Import the course in a file for an instructor, as a draft or published.

    Raises 422 ``instructor_unknown``, ``instructor_not_allowed``, ``import_unreadable``, ``import_unknown_format``,
    ``import_invalid`` (damaged or hostile) and ``import_too_large``, 413 ``quota_exceeded``, whatever
    :func:`~lms_core.courses.service.create_course` and :func:`~lms_core.courses.service.publish_course` raise, and
    503 ``storage_unavailable``. Nothing remains then.
    """
    core: Core = registry.core
    tell = progress or (lambda _step, _done, _total: None)
    with core.transaction() as db:
        owner = _checked_owner(db, core, accounts.account_by_email(db, instructor_email), instructor_email)
    tell("reading", 0, 1)
    source = _read(core, path)
    tell("reading", 1, 1)
    with core.transaction() as db:
        return _bring(db, registry, source, owner, path.name, publish=publish, tell=tell)


def import_upload(
    db: Session,
    registry: Any,
    path: Path,
    name: str,
    owner_id: uuid.UUID,
    *,
    publish: bool = False,
    job_id: uuid.UUID | None = None,
) -> ImportReport:
    """:func:`import_course` for a copy of a file called ``name``, within the caller's transaction.

    ``job_id`` is the job whose work it is, where that may have been begun before.
    """
    core: Core = registry.core
    account = accounts.account_by_id(db, owner_id)
    owner = _checked_owner(db, core, account, account.email if account is not None else "")
    source = _read(core, path)
    return _bring(db, registry, source, owner, name, publish=publish, tell=lambda *_step: None, job_id=job_id)


def _bring(
    db: Session,
    registry: Any,
    source: ImportedCourse,
    owner: _Owner,
    name: str,
    *,
    publish: bool,
    tell: Progress,
    job_id: uuid.UUID | None = None,
) -> ImportReport:
    core: Core = registry.core
    used = _used(source)
    size = sum(source.files[key].size for key in used)
    store = partial(store_file, db, registry.storage, uploaded_by=owner.id, scan=bool(registry.scanners))
    with claimed(core, owner.id, size, owner.quota, job_id=job_id) as claim:
        work = _Import(db, core, source, owner, claim, tell)
        work.store_files(store, used, size)
        course = work.create(name)
        if publish:
            service.publish_course(db, core, course.id, owner.id)
        # Checked now and not by COMMIT, whose failure could not be told from a lost connection.
        db.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
        report = work.report(course)
        settle(db, claim.id)
    return report


def _limits(core: Core) -> ImportLimits:
    return ImportLimits(
        total_bytes=core.settings.integer("lms.import.total_bytes"),
        file_bytes=core.settings.integer("lms.import.file_bytes"),
        entries=core.settings.integer("lms.import.entries"),
    )


def _checked_owner(db: Session, core: Core, account: Account | None, email: str) -> _Owner:
    named = {"email": email}
    if account is None or account.suspended:
        raise Invalid("instructor_unknown", _("No active account has the address ${email}.", mapping=named))
    grants = accounts.profile(db, account.id, core.clock()).permissions
    if PERMISSION not in grants:
        raise Invalid("instructor_not_allowed", _("${email} is not an instructor.", mapping=named))
    return _Owner(account.id, account.preferred_language, quota_of(core.settings, grants))


def _read(core: Core, path: Path) -> ImportedCourse:
    if not path.is_file():
        raise Invalid("import_unreadable", _("There is no file ${path}.", mapping={"path": str(path)}))
    importers: list[CourseImporter] = core.plugins.gather("lms_course_importers")
    importer = next((each for each in importers if each.recognizes(path)), None)
    if importer is None:
        unknown = _("No importer knows the format of ${name}.", mapping={"name": path.name})
        raise Invalid("import_unknown_format", unknown)
    try:
        return importer.read(path, _limits(core))
    except OSError as error:
        raise Invalid("import_unreadable", _("${path} cannot be read.", mapping={"path": str(path)})) from error


class _Import:
    """One import within its transaction."""

    def __init__(
        self, db: Session, core: Core, source: ImportedCourse, owner: _Owner, claim: Claim, tell: Progress
    ) -> None:
        self._db = db
        self._core = core
        self._source = source
        self._owner = owner
        self._claim = claim
        self._tell = tell
        self._skipped = list(source.skipped)
        self._uploads: dict[str, FileUpload] = {}
        self._modules = 0
        self._lessons = 0
        language = source.language.replace("_", "-")
        self._language = language if _LANGUAGE.fullmatch(language) else core.settings.text("lms.locale")
        self._translate = core.i18n.localizer(self._language).translate

    def report(self, course: Course) -> ImportReport:
        translate = self._core.i18n.localizer(self._owner.language).translate
        skipped = [Skipped(each.name, translate(each.reason)) for each in self._skipped]
        return ImportReport(
            course.id, course.slug, course.title, self._modules, self._lessons, len(self._uploads), skipped
        )

    def _skip(self, name: str, reason: str) -> None:
        self._skipped.append(Skipped(name, reason))

    def _line(self, value: str, *fallbacks: str) -> str:
        """The first that says anything, as one line in the course's language."""
        lines = (" ".join(TURN.sub("", self._text(each)).split()) for each in (value, *fallbacks))
        line = next(filter(VISIBLE.search, lines), "")
        return line if len(line) <= MAX_TITLE else line[: MAX_TITLE - 1].rstrip() + "…"

    def _text(self, value: str) -> str:
        """Without what the database, or a reader's screen, cannot hold."""
        told: str = self._translate(value) if isinstance(value, TranslationString) else value
        return UNPRINTABLE.sub("", told).strip()

    # Files.

    def store_files(self, store: Callable[..., FileUpload], used: Collection[str], size: int) -> None:
        """Store every file that is used, ``size`` bytes in all, with ``store(name=, stream=, max_bytes=)``."""
        limits = _limits(self._core)
        # No more than was claimed: what an importer says of a file's size is not the file.
        left, done = min(limits.total_bytes, size), 0
        for key, file in self._source.files.items():
            if key not in used:
                self._skip(file.name, _("No lesson uses this file."))
                continue
            with file.open() as stream:
                incoming, most = self._claim.kept_by(stream), min(limits.file_bytes, left)
                try:
                    upload = store(name=file.name, stream=incoming, max_bytes=most)
                except TooLarge as error:
                    raise Invalid("import_too_large", error.detail) from error
            self._uploads[key] = upload
            left -= upload.file_size
            done += upload.file_size
            self._tell("files", done, size)

    # The course.

    def create(self, file_name: str) -> Course:
        """The course with its modules and lessons."""
        title = self._line(self._source.title, _("Imported course"))
        imported = self._translate(_("Imported from ${name}.", mapping={"name": self._line(file_name)}))
        values = {
            "title": title,
            "code": _code(title),
            "description": self._text(self._source.description)[:MAX_DESCRIPTION] or imported,
            "language": self._language,
            **self._course_details(title),
        }
        course = service.create_course(self._db, self._core, self._owner.id, values, with_introduction=False)
        maker = LessonMaker(self._core, self._uploads, Reading(self._line, self._text, self._details, self._skip))
        total, done = sum(len(module.lessons) for module in self._source.modules), 0
        modules: list[tuple[Module, list[int]]] = []
        for place, source in enumerate(self._source.modules):
            modules.append(self._module(course.id, place, source, maker))
            done += len(source.lessons)
            self._claim.renew()
            self._tell("lessons", done, total)
        for module, before in modules:
            known = (modules[place][0].id for place in dict.fromkeys(before) if 0 <= place < len(modules))
            module.prerequisites = [each for each in known if each != module.id]
        service.roll_up_durations(self._db, course.id)
        new = {"title": title, "owner": str(self._owner.id), "modules": self._modules, "lessons": self._lessons}
        audit(self._db, None, "courses.import", "course", course.id, new=new)
        return course

    def _course_details(self, title: str) -> dict[str, Any]:
        """What the source says of the course beyond that, as far as it can be kept here."""
        details = self._details(CourseRecord(), self._source.details, title)
        offered = self._core.settings.words("lms.courses.categories")
        if offered and details.get("category") not in (None, *offered):
            self._skip(title, _("There is no category ${name} here.", mapping={"name": details.pop("category")}))
        details |= self._picture(title, details.pop("thumbnail_file_id", None))
        living = select(Course.id).where(is_called(details.get("code", "")), Course.deleted_at.is_(None))
        if self._db.scalar(living) is not None:
            self._skip(title, _("Another course has the code ${code}.", mapping={"code": details.pop("code")}))
        self._check_way(title, details)
        self._check_prerequisites(title, details)
        return details

    def _picture(self, title: str, reference: str | None) -> dict[str, Any]:
        """The column of the picture that the source refers to, where it came along and is one."""
        if reference is None:
            return {}
        upload = next((self._uploads[key] for key in referenced_files(reference) if key in self._uploads), None)
        if upload is None or upload.mime_type not in KINDS:
            self._skip(title, _("The picture of the course is not there, or is none."))
            return {}
        return {"thumbnail_file_id": upload.id}

    def _check_prerequisites(self, title: str, details: dict[str, Any]) -> None:
        """Leave out what the course presupposes, where that cannot be had here."""
        try:
            check_prerequisites(self._db, details)
        except Invalid:
            named = ", ".join(details.pop("prerequisites"))
            self._skip(title, _("Not presupposed, because it is not here: ${codes}.", mapping={"codes": named}))

    def _check_way(self, title: str, details: dict[str, Any]) -> None:
        """Leave out how people enroll, or what is set for it, where that cannot be had here."""
        way = details.get("enrollment_type", DEFAULT_WAY)
        try:
            enrollment_columns(self._core, details)
        except Invalid:
            if way in ways_to_enroll(self._core):
                self._skip(title, _("The settings of enrollment are not valid here."))
            else:
                details.pop("enrollment_type", None)
                self._skip(title, _("There is no enrollment method “${name}”.", mapping={"name": way}))
            details.pop("enrollment_settings", None)

    def _details(self, schema: Schema, source: Mapping[str, Any], title: str) -> dict[str, Any]:
        loaded, refused = load_record(schema, source)
        if refused:
            self._skip(title, _("Not kept, because it is not valid here: ${names}.",
                                mapping={"names": ", ".join(refused)}))  # fmt: skip
        return loaded

    def _module(
        self, course_id: uuid.UUID, place: int, source: ImportedModule, maker: LessonMaker
    ) -> tuple[Module, list[int]]:
        """The module, and the places of those that come before it."""
        lessons = [row for lesson in source.lessons for row in maker.rows(lesson)]
        title = self._line(source.title, _("Untitled"))
        values = {
            "title": title,
            # In any other one students would find nothing, and the course could not be published.
            "is_published": any(lesson["is_published"] for lesson in lessons),
            **self._details(ModuleRecord(), source.details, title),
        }
        before = values.pop("prerequisites", [])
        module = Module(course_id=course_id, order_index=place, **values)
        self._db.add(module)
        self._db.flush()
        if lessons:
            rows = [{**lesson, "module_id": module.id, "order_index": order} for order, lesson in enumerate(lessons)]
            self._db.execute(insert(Lesson), rows)
            announce(self._db, [row["id"] for row in rows], self._owner.id)
        self._modules += 1
        self._lessons += len(lessons)
        return module, before


def _used(course: ImportedCourse) -> set[str]:
    """Those of its files that a lesson uses, or that are its picture."""
    named = {key for module in course.modules for key in _keys(module)}
    return (named | set(_picture(course))) & course.files.keys()


def _picture(course: ImportedCourse) -> Iterator[str]:
    """The file that the source has for the picture of the course."""
    reference = course.details.get("thumbnailFileId")
    if isinstance(reference, str):
        yield from referenced_files(reference)


def _keys(module: ImportedModule) -> Iterator[str]:
    """The files that the lessons of a module use."""
    for lesson in module.lessons:
        try:
            yield from referenced_files([lesson.html or "", lesson.details])
        except ValueError:
            raise Invalid("import_invalid", _("What the source says of a lesson is nested too deep.")) from None
        if lesson.file is not None:
            yield lesson.file


def _code(title: str) -> str:
    """A course code that nobody else has: the initials, and chance."""
    initials = "".join(re.findall(r"\b[A-Za-z0-9]", title))[:8].upper() or "C"
    return f"{initials}-{secrets.token_hex(4).upper()}"
