"""The courses that somebody takes."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, case, exists, func, literal, or_, select, true
from sqlalchemy.sql.functions import coalesce

from lms_core.accounts.models import User
from lms_core.courses.models import Course, CourseVersion, LessonRevision, VersionLesson, VersionModule
from lms_core.enrollment.models import Enrollment
from lms_core.enrollment.queries import ENDS_AT, IN_USE
from lms_core.kernel.pagination import Page, page_of
from lms_core.learning.models import LessonProgress
from lms_core.learning.unlocking.queries import open_lesson, open_module

LAST_USED = coalesce(Enrollment.last_accessed_at, Enrollment.enrolled_at).desc()
ORDERS: Mapping[str, tuple[Any, ...]] = {
    "recent": (LAST_USED,),
    "enrolled": (Enrollment.enrolled_at.desc(),),
    "progress": (Enrollment.progress_percentage.desc(), LAST_USED),
    "title": (Course.title_key,),
}


def my_courses(
    connection: Connection, user_id: uuid.UUID, *, page: int, limit: int, status: str | None, sort: str
) -> Page:
    """The courses somebody takes or took, and in each the lesson to go on with."""
    mine = [Enrollment.user_id == user_id, Course.deleted_at.is_(None)]
    mine.append(Enrollment.status == status if status else Enrollment.status != "dropped")
    statement = (
        _going_on(
            user_id,
            mine,
            Enrollment.id.label("enrollment_id"), Enrollment.status, Enrollment.enrolled_at, Enrollment.completed_at,
            Enrollment.starts_at, Enrollment.expires_at, ENDS_AT.label("ends_at"), Enrollment.last_accessed_at,
            Enrollment.progress_percentage, Enrollment.lessons_completed, Enrollment.lessons_total,
            Enrollment.time_spent_seconds,
            Course.id.label("course_id"), Course.title.label("course_title"), Course.slug.label("course_slug"),
            Course.thumbnail_url.label("course_thumbnail_url"),
            Course.published_minutes.label("course_duration_minutes"),
            User.full_name.label("course_instructor_name"),
        )
        .order_by(*ORDERS[sort], Enrollment.id)
    )  # fmt: skip
    counted = select(Enrollment.id).join(Course, Course.id == Enrollment.course_id).where(*mine)
    return page_of(connection, statement, counted=counted, page=page, limit=limit)


def _going_on(user_id: uuid.UUID, chosen: Sequence[ColumnElement[bool]], *columns: Any) -> Select[Any]:
    """Somebody's enrollments with their course, and the lesson to go on with, as they see it now."""
    point = (
        select(Enrollment.id, _continued(literal(user_id)).label("lesson_id"))
        .join_from(Enrollment, Course, Course.id == Enrollment.course_id)
        .outerjoin(CourseVersion, CourseVersion.id == Course.version_id)
        .where(*chosen)
        .subquery()
    )
    mine = and_(LessonProgress.user_id == Enrollment.user_id, LessonProgress.lesson_id == VersionLesson.lesson_id)
    module = and_(
        VersionModule.version_id == VersionLesson.version_id, VersionModule.module_id == VersionLesson.module_id
    )
    return (
        select(
            *columns,
            VersionLesson.lesson_id.label("continue_lesson_id"), LessonRevision.title.label("continue_lesson_title"),
            LessonRevision.content_type.label("continue_content_type"),
            VersionLesson.module_id.label("continue_module_id"), VersionModule.title.label("continue_module_title"),
            func.coalesce(LessonProgress.last_position, 0).label("continue_position"),
            func.coalesce(LessonProgress.completion_percentage, 0).label("continue_completion_percentage"),
        )
        .join_from(Enrollment, Course, Course.id == Enrollment.course_id)
        .join(User, User.id == Course.instructor_id)
        .join(point, point.c.id == Enrollment.id)
        .outerjoin(
            VersionLesson,
            and_(VersionLesson.version_id == Course.version_id, VersionLesson.lesson_id == point.c.lesson_id),
        )
        .outerjoin(LessonRevision, LessonRevision.id == VersionLesson.revision_id)
        .outerjoin(VersionModule, module)
        .outerjoin(LessonProgress, mine)
    )  # fmt: skip


def _continued(person: ColumnElement[uuid.UUID]) -> ColumnElement[uuid.UUID | None]:
    """What stands at the enrollment, while it is open and to be done; else the lesson begun last, or the next open one.

    These are looked for where nothing was begun, a date is to come, or a new version has overtaken it. Who may not
    enter the course now has nothing to go on with.
    """
    stored = (
        select(VersionLesson.lesson_id)
        .join(VersionModule, _IN_MODULE)
        .where(
            VersionLesson.version_id == Course.version_id,
            VersionLesson.lesson_id == Enrollment.continue_lesson_id,
            _undone(person),
            open_lesson(person),
        )
    )
    unfinished = or_(
        Enrollment.continue_lesson_id.is_not(None), Enrollment.lessons_completed < CourseVersion.lessons_total
    )
    return case(
        (~and_(IN_USE, Course.is_published), None),
        (stored.correlate(Course, Enrollment).exists(), Enrollment.continue_lesson_id),
        (unfinished, func.coalesce(_begun_last(), _next_open(person))),
        else_=None,
    )


def _undone(person: ColumnElement[uuid.UUID]) -> ColumnElement[bool]:
    """Whether somebody has not completed a lesson of the enclosing statement."""
    done = exists().where(
        LessonProgress.user_id == person,
        LessonProgress.lesson_id == VersionLesson.lesson_id,
        LessonProgress.status == "completed",
    )
    return ~done.correlate(VersionLesson)


_IN_MODULE = and_(
    VersionLesson.version_id == VersionModule.version_id, VersionLesson.module_id == VersionModule.module_id
)


def _begun_last() -> ColumnElement[uuid.UUID]:
    """What was begun is open, whatever its module is."""
    begun = (
        select(VersionLesson.lesson_id)
        .join_from(LessonProgress, VersionLesson, VersionLesson.lesson_id == LessonProgress.lesson_id)
        .where(
            LessonProgress.enrollment_id == Enrollment.id,
            LessonProgress.status == "in_progress",
            VersionLesson.version_id == Course.version_id,
        )
        .order_by(LessonProgress.started_at.desc())
    )
    return begun.limit(1).correlate(Course, Enrollment).scalar_subquery()


def _next_open(person: ColumnElement[uuid.UUID]) -> ColumnElement[uuid.UUID]:
    """Modules are asked whether they are open, and not each of their lessons."""
    first = select(VersionLesson.lesson_id).where(_IN_MODULE, _undone(person)).order_by(VersionLesson.place).limit(1)
    lesson = first.correlate(VersionModule).lateral("following")
    found = (
        select(lesson.c.lesson_id)
        .select_from(VersionModule)
        .join(lesson, true())
        .where(VersionModule.version_id == Course.version_id, open_module(person))
        .order_by(VersionModule.place)
    )
    return found.limit(1).correlate(Course, Enrollment).scalar_subquery()
