"""Students at every stage; by scale, four enrollments for each student, half of them one lesson in."""

from sqlalchemy import select

from lms_core.courses.models import Lesson, Module
from lms_core.demo import Demo, copy, numbered
from lms_core.demo.catalog import COURSES_PER_SCALE, LESSONS, MODULES
from lms_core.demo.people import STUDENTS_PER_SCALE
from lms_core.enrollment.service import enroll
from lms_core.learning.progress.service import complete_lesson, start_lesson

COURSES_EACH = 4


def course_of(enrollment: int, courses: int) -> int:
    """The number of the course of an enrollment that was added by scale; a student's are four different ones."""
    return (enrollment // COURSES_EACH * 7 + enrollment % COURSES_EACH) % courses


def load(demo: Demo) -> None:
    for number, student in enumerate(demo.track(demo.made["student"], "Progress")):
        for place in range(number % 3 + 1):
            course = demo.made["courses"][(number + place) % len(demo.made["courses"])]
            with demo.core.transaction() as db:
                enroll(db, demo.core, student, course)
                ordered = select(Lesson.id).join(Module).where(Module.course_id == course)
                lessons = db.scalars(ordered.order_by(Module.order_index, Lesson.order_index)).all()
                for lesson in lessons[: len(lessons) * (number % 5) // 4]:
                    start_lesson(db, demo.core, student, lesson)
                    complete_lesson(db, demo.core, student, lesson)
    if demo.scale > 1:
        _many(demo)


def _many(demo: Demo) -> None:
    students, courses = (demo.scale - 1) * STUDENTS_PER_SCALE, (demo.scale - 1) * COURSES_PER_SCALE
    total = MODULES * LESSONS
    now = demo.core.clock()

    def done(enrollment: int) -> int:
        return enrollment % 2

    copy(
        demo, "Enrollments", "enrollments",
        ("id", "user_id", "course_id", "enrolled_at", "started_at", "lessons_total", "lessons_completed",
         "progress_percentage", "last_accessed_at"),
        students * COURSES_EACH,
        lambda n: (
            numbered("enrollment", n), numbered("student", n // COURSES_EACH),
            numbered("course", course_of(n, courses)), now, now if done(n) else None, total, done(n),
            done(n) * 100 / total, now if done(n) else None,
        ),
    )  # fmt: skip
    copy(
        demo, "Lesson progress", "lesson_progress",
        ("user_id", "lesson_id", "enrollment_id", "status", "started_at", "completed_at", "completion_percentage"),
        students * COURSES_EACH,
        lambda n: (
            numbered("student", n // COURSES_EACH), numbered("lesson", course_of(n, courses) * total),
            numbered("enrollment", n),
            "completed" if done(n) else "in_progress", now, now if done(n) else None, 100 if done(n) else 0,
        ),
    )  # fmt: skip
