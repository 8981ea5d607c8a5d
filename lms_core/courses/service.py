"""Commands on courses, modules and lessons. Each runs in the caller's transaction; raising rolls it back."""

import re
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import and_, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from lms_core.accounts.models import User
from lms_core.accounts.queries import USABLE
from lms_core.courses.content.service import CONTENT_FIELDS, announce, change_lesson, new_lesson
from lms_core.courses.content.types import content_types
from lms_core.courses.events import CourseCreated, CoursePublished, PlacesChanged
from lms_core.courses.freezing import OFFERED, freeze
from lms_core.courses.models import Course, CourseVersion, Lesson, Module
from lms_core.courses.pictures import cover_of, follow_picture, with_picture
from lms_core.courses.slugs import is_reserved, slugify
from lms_core.courses.unlocking import RULES, check_rules, living, never_open
from lms_core.courses.versions.queries import changes
from lms_core.courses.ways import joining_columns
from lms_core.kernel.core import Core
from lms_core.kernel.errors import Conflict, Invalid, NotFound
from lms_core.kernel.events import publish
from lms_core.kernel.i18n import _


def unique_slug(db: Session, title: str) -> str:
    """A slug no living course has: ``-2``, ``-3``, ... on a clash. The unique index has the last word."""
    base = slugify(title)
    pattern = f"^{re.escape(base)}(-[0-9]+)?$"
    taken = set(db.scalars(select(Course.slug).where(Course.slug.regexp_match(pattern), Course.deleted_at.is_(None))))
    return numbered(base, lambda slug: slug in taken or is_reserved(slug))


def numbered(base: str, is_taken: Callable[[str], bool]) -> str:
    """The base, or the first of ``base-2``, ``base-3``, ... that is not taken."""
    number, name = 2, base
    while is_taken(name):
        name, number = f"{base}-{number}", number + 1
    return name


def create_course(
    db: Session, core: Core, owner_id: uuid.UUID, values: Mapping[str, Any], *, with_introduction: bool = True
) -> Course:
    """A draft, with the module "Introduction".

    Raises 409 ``code_taken`` and ``course_limit_reached``, 422 for a category or a way to enroll that is not offered
    and a picture that :func:`~lms_core.courses.pictures.with_picture` refuses.
    """
    _check_category(core, values)
    check_limit(db, core, owner_id)
    columns = joining_columns(db, core, values)
    course = _insert(db, owner_id, with_picture(db, core, owner_id, columns))
    if with_introduction:
        db.add(Module(course_id=course.id, title=core.i18n.localizer(course.language).translate(_("Introduction")),
                      order_index=0))  # fmt: skip
        db.flush()
    publish(db, CourseCreated(course.id, owner_id, course.title), actor_id=owner_id)
    return course


def _insert(db: Session, owner_id: uuid.UUID, values: Mapping[str, Any]) -> Course:
    for _attempt in range(5):
        course = Course(instructor_id=owner_id, slug=unique_slug(db, values["title"]), **values)
        try:
            with db.begin_nested():
                db.add(course)
                db.flush()
        except IntegrityError as error:
            if "uq_courses_slug" not in str(error.orig):
                raise refusal(error) from None
        else:
            return course
    raise Conflict("try_again", _("Somebody changed the same thing; try again."), retry_after=1)


def refusal(error: IntegrityError) -> Exception:
    """What to raise where a unique index refuses a course: 409 ``code_taken`` or ``slug_taken``."""
    if "uq_courses_code" in str(error.orig):
        return Conflict("code_taken", _("Another course has this code."))
    if "uq_courses_slug" in str(error.orig):
        return Conflict("slug_taken", _("Another course has this slug."))
    return error


def _check_category(core: Core, values: Mapping[str, Any]) -> None:
    offered = core.settings.words("lms.courses.categories")
    if offered and values.get("category") not in (None, *offered):
        raise Invalid("category_unknown", _("No such category."), errors={"category": [values["category"]]})


def check_limit(db: Session, core: Core, owner_id: uuid.UUID) -> None:
    """Raises 409 ``course_limit_reached`` where the owner has as many courses as ``lms.courses.limit`` allows."""
    limit = core.settings.integer("lms.courses.limit")
    if not limit:
        return
    # Two courses created at once must not both be the last one allowed.
    db.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"courses:{owner_id}", 0))))
    owned = select(func.count()).where(Course.instructor_id == owner_id, Course.deleted_at.is_(None))
    if db.scalar(owned) >= limit:  # type: ignore[operator]  # A count is never null.
        raise Conflict("course_limit_reached", _("You may own ${limit} courses.", mapping={"limit": limit}))


def update_course(
    db: Session, core: Core, course_id: uuid.UUID, author_id: uuid.UUID, values: Mapping[str, Any]
) -> Course:
    """Change the fields given.

    Raises 409 ``code_taken``, ``slug_taken``, ``field_frozen``, ``capacity_below_enrolled``, ``course_archived``; 422
    as :func:`create_course` does.
    """
    _check_category(core, values)
    course = lock_course(db, course_id)
    _check_change(course, values)
    columns = joining_columns(db, core, values, course)
    cover, changes = cover_of(course), with_picture(db, core, author_id, columns, course)
    places = course.max_students
    try:
        for name, value in changes.items():
            setattr(course, name, value)
        db.flush()
    except IntegrityError as error:
        raise refusal(error) from None
    if "thumbnail_url" in changes:
        follow_picture(db, course, cover)
    if course.max_students != places:
        publish(db, PlacesChanged(course.id), actor_id=author_id)
    db.refresh(course)
    return course


_FROZEN: Mapping[str, Any] = {
    "code": _("The code stands on certificates, in transcripts and in other systems; unpublish the course first."),
    "slug": _("Links to the course name its slug; unpublish the course first."),
    "currency": _("People are paying in this currency; unpublish the course first."),
}
"""What stays while a course is published, and why."""


def _check_change(course: Course, values: Mapping[str, Any]) -> None:
    frozen = {
        name: [reason] for name, reason in _FROZEN.items() if name in values and values[name] != getattr(course, name)
    }
    if course.is_published and frozen:
        raise Conflict("field_frozen", _("Some fields cannot change while the course is published."), errors=frozen)
    places = values.get("max_students")
    if places is not None and places < course.enrolled_count:
        message = _("${number} people take the course already.", mapping={"number": course.enrolled_count})
        raise Conflict("capacity_below_enrolled", message, errors={"maxStudents": [message]})


def lock_course(db: Session, course_id: uuid.UUID, *, archived: bool = False) -> Course:
    """The course, locked until the transaction ends: whatever changes its structure happens one after another.

    Raises 404 where it is deleted, 409 ``course_archived`` unless archived ones are wanted too.
    """
    course = db.get(Course, course_id, with_for_update={"key_share": True}, populate_existing=True)
    if course is None or course.deleted_at is not None:
        raise NotFound()
    if course.archived_at is not None and not archived:
        raise Conflict("course_archived", _("The course is archived."))
    return course


def lock_module(db: Session, module_id: uuid.UUID) -> Module:
    """A module of the draft; its course is locked. Raises as :func:`lock_course` does."""
    course_id = db.scalar(select(Module.course_id).where(Module.id == module_id))
    if course_id is None:
        raise NotFound()
    lock_course(db, course_id)
    module = db.get(Module, module_id, populate_existing=True)
    if module is None or module.deleted_at is not None:
        raise NotFound()
    return module


def lock_lesson(db: Session, lesson_id: uuid.UUID) -> tuple[Lesson, Module]:
    """A lesson of the draft and its module; its course is locked. Raises as :func:`lock_course` does."""
    of_lesson = select(Module.course_id).join(Lesson, Lesson.module_id == Module.id).where(Lesson.id == lesson_id)
    course_id = db.scalar(of_lesson)
    if course_id is None:
        raise NotFound()
    lock_course(db, course_id)
    lesson = db.get(Lesson, lesson_id, populate_existing=True)
    module = db.get(Module, lesson.module_id, populate_existing=True) if lesson is not None else None
    if lesson is None or module is None or lesson.deleted_at is not None or module.deleted_at is not None:
        raise NotFound()
    return lesson, module


_BLANK = 2_000
"""Bytes, compressed, from which on the content of a lesson is not looked into: what is blank has no more."""


def missing_for_publication(db: Session, core: Core, course: Course) -> dict[str, list[Any]]:
    """All that a course lacks, by field; empty where it can be published."""
    missing: dict[str, list[Any]] = {}
    if not course.description:
        missing["description"] = [_("A course needs a description.")]
    if core.settings.words("lms.courses.categories") and not course.category:
        missing["category"] = [_("A course needs a category.")]
    verified = select(User.id).where(User.id == course.instructor_id, USABLE, User.email_verified_at.is_not(None))
    if db.scalar(verified) is None:
        missing["instructor"] = [_("The instructor needs an active account with a verified address.")]
    lessons = (
        select(Module.id, Module.title, func.count(Lesson.id).label("lessons"))
        .join_from(Module, Lesson, and_(Lesson.module_id == Module.id, OFFERED), isouter=True)
        .where(Module.course_id == course.id, Module.is_published, Module.deleted_at.is_(None))
        .group_by(Module.id)
        .order_by(Module.order_index)
    )
    modules = db.execute(lessons).all()
    if not modules:
        missing["modules"] = [_("A course needs a published module.")]
    empty = [module for module in modules if not module.lessons]
    if empty:
        missing["modules"] = [
            _("The module ${title} has no published lesson.", mapping={"title": module.title}) for module in empty
        ]
    _miss_what_never_opens(db, course, missing)
    _miss_what_shows_nothing(db, core, course, missing)
    _miss_what_nobody_can_tell(db, core, course, missing)
    return missing


def _miss_what_never_opens(db: Session, course: Course, missing: dict[str, list[Any]]) -> None:
    """Modules may have been moved, or brought in, so that they wait for each other."""
    offered = living(db, course.id, published=True)
    closed = never_open(offered)
    told = [
        _("The module ${title} waits for itself, and never opens.", mapping={"title": module.title})
        for module in offered
        if module.id in closed
    ]
    if told:
        missing["modules"] = [*missing.get("modules", []), *told]


def _miss_what_shows_nothing(db: Session, core: Core, course: Course, missing: dict[str, list[Any]]) -> None:
    """An author may begin with an empty lesson; students are shown none."""
    kinds = content_types(core)
    lessons = (
        select(Lesson.title, Lesson.content_type, Lesson.content, Module.title.label("module"))
        .join_from(Lesson, Module, Module.id == Lesson.module_id)
        .where(Module.course_id == course.id, OFFERED, func.pg_column_size(Lesson.content) < _BLANK)
        .order_by(Module.order_index, Lesson.order_index)
    )
    told = [
        _("The lesson ${title} in ${module} is empty.", mapping={"title": lesson.title, "module": lesson.module})
        for lesson in db.execute(lessons)
        if lesson.content_type in kinds and not kinds[lesson.content_type].shows(lesson.content)
    ]
    if told:
        missing["lessons"] = told


def _miss_what_nobody_can_tell(db: Session, core: Core, course: Course, missing: dict[str, list[Any]]) -> None:
    """Criteria that would hold nobody up, such as a share of a recording whose length is not known."""
    kinds = content_types(core)
    lessons = (
        select(Lesson, Module.title)
        .join(Module, Module.id == Lesson.module_id)
        .where(
            Module.course_id == course.id,
            OFFERED,
            Lesson.completion_criteria != {},
            Lesson.content_type.in_([name for name, kind in kinds.items() if kind.measured]),
        )
        .order_by(Module.order_index, Lesson.order_index)
    )
    told = [
        _(
            "What the lesson ${title} in ${module} asks for cannot be told: say how long it is, or ask for less.",
            mapping={"title": lesson.title, "module": module},
        )
        for lesson, module in db.execute(lessons)
        if not kinds[lesson.content_type].can_tell(lesson.completion_criteria, lesson.shown_content)
    ]
    if told:
        missing["lessons"] = [*missing.get("lessons", []), *told]


def publish_course(
    db: Session, core: Core, course_id: uuid.UUID, actor_id: uuid.UUID, *, note: str | None = None
) -> Course:
    """Freeze the draft as the next version, show it to students, and put the course into the catalog.

    Where nothing has changed since the last version, there is no new one; a published course then stays as it is.
    Raises 409 ``course_incomplete`` with everything that is missing, ``course_archived`` where it was put away.
    """
    course: Course = lock_course(db, course_id)
    missing = missing_for_publication(db, core, course)
    if missing:
        raise Conflict("course_incomplete", _("The course is not complete."), errors=missing)
    changed = course.version_id is None or bool(changes(db, course.id, course.version_id))
    if not changed and course.is_published:
        return course
    if changed:
        course.version_id = _new_version(db, core, course_id, actor_id, note)
    course.is_published = True
    first = course.published_at is None
    course.published_at = course.published_at or core.clock()
    db.flush()
    publish(db, CoursePublished(course.id, course.instructor_id, course.title, first), actor_id=actor_id)
    return course


def _new_version(db: Session, core: Core, course_id: uuid.UUID, actor_id: uuid.UUID, note: str | None) -> uuid.UUID:
    last = db.scalar(select(func.max(CourseVersion.number)).where(CourseVersion.course_id == course_id))
    version = CourseVersion(
        course_id=course_id, number=(last or 0) + 1, note=note, published_at=core.clock(), published_by=actor_id
    )
    db.add(version)
    db.flush()
    freeze(db, [version.id])
    return version.id


def create_module(db: Session, course_id: uuid.UUID, values: Mapping[str, Any]) -> Module:
    """A module at the end of a course. Raises 409 ``title_taken``, ``course_archived``, 422 as ``check_rules`` does."""
    lock_course(db, course_id)
    _check_title(db, course_id, values["title"])
    end = select(func.coalesce(func.max(Module.order_index) + 1, 0)).where(Module.course_id == course_id)
    module = Module(course_id=course_id, order_index=db.scalar(end), **values)
    db.add(module)
    db.flush()
    if RULES & values.keys():
        check_rules(db, module)
    return module


def update_module(db: Session, module_id: uuid.UUID, values: Mapping[str, Any]) -> Module:
    """Change the fields given. Raises as :func:`create_module` does."""
    module = lock_module(db, module_id)
    if "title" in values and values["title"] != module.title:
        _check_title(db, module.course_id, values["title"])
    for name, value in values.items():
        setattr(module, name, value)
    if RULES & values.keys():
        check_rules(db, module)
    db.flush()
    db.refresh(module)
    roll_up_durations(db, module.course_id)
    return module


def _check_title(db: Session, course_id: uuid.UUID, title: str) -> None:
    same = select(Module.id).where(Module.course_id == course_id, Module.title == title, Module.deleted_at.is_(None))
    if db.scalar(same.limit(1)):
        raise Conflict("title_taken", _("Another module of the course has this title."))


def create_lesson(
    db: Session, core: Core, module_id: uuid.UUID, author_id: uuid.UUID, values: Mapping[str, Any]
) -> tuple[Lesson, tuple[str, ...]]:
    """A lesson at the end of a module, and what was taken out of its content.

    Raises 422 where the content does not fit its type, or names files that the author may not use.
    """
    course_id = db.scalar(select(Module.course_id).where(Module.id == module_id))
    if course_id is None:
        raise NotFound()
    columns, removed = new_lesson(db, core, course_id, author_id, values)
    lock_module(db, module_id)
    end = select(func.coalesce(func.max(Lesson.order_index) + 1, 0)).where(Lesson.module_id == module_id)
    lesson = Lesson(module_id=module_id, order_index=db.scalar(end), **columns)
    db.add(lesson)
    db.flush()
    announce(db, [lesson.id], author_id)
    roll_up_durations(db, course_id)
    return lesson, removed


def update_lesson(
    db: Session, core: Core, lesson_id: uuid.UUID, author_id: uuid.UUID, values: Mapping[str, Any]
) -> tuple[Lesson, tuple[str, ...]]:
    """Change the fields given; the answer is as for :func:`create_lesson`, and 409 ``content_type_unavailable``."""
    lesson, module = lock_lesson(db, lesson_id)
    removed = change_lesson(db, core, module.course_id, author_id, lesson, values)
    for name in values.keys() - CONTENT_FIELDS:
        setattr(lesson, name, values[name])
    db.flush()
    db.refresh(lesson)
    if "content" in values:
        announce(db, [lesson_id], author_id)
    roll_up_durations(db, module.course_id)
    return lesson, removed


def roll_up_durations(db: Session, course_id: uuid.UUID | None) -> None:
    """Sum the lessons' minutes into their modules, and the modules' into the course, where a sum has changed."""
    of_module = (
        select(func.coalesce(func.sum(Lesson.duration_minutes), 0))
        .where(Lesson.module_id == Module.id, Lesson.is_published, Lesson.deleted_at.is_(None))
        .correlate(Module)
        .scalar_subquery()
    )
    db.execute(
        update(Module)
        .where(Module.course_id == course_id, Module.estimated_duration_minutes.is_distinct_from(of_module))
        .values(estimated_duration_minutes=of_module),
        execution_options={"synchronize_session": False},
    )
    of_course = (
        select(func.coalesce(func.sum(Module.estimated_duration_minutes), 0))
        .where(Module.course_id == Course.id, Module.is_published, Module.deleted_at.is_(None))
        .correlate(Course)
        .scalar_subquery()
    )
    db.execute(
        update(Course)
        .where(Course.id == course_id, Course.duration_minutes != of_course)
        .values(duration_minutes=of_course),
        execution_options={"synchronize_session": False},
    )
