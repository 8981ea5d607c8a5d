"""Courses with modules and lessons; by scale, ten courses more each time, of four modules with five lessons."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

from sqlalchemy import update

from lms_core.courses import service
from lms_core.courses.freezing import freeze
from lms_core.courses.models import Course, CourseVersion
from lms_core.demo import Demo, copy, numbered
from lms_core.demo.people import INSTRUCTORS_PER_SCALE
from lms_core.demo.variety import sample

COURSES_PER_SCALE = 10
MODULES = 4
_FROZEN_AT_ONCE = 500
LESSONS = 5
WORDS = (
    "<h2>{title}</h2><p>Read the text, look at the picture in your mind, and write down the one question that it leaves"
    " you with.</p><ul><li>What is claimed?</li><li>How do we know?</li><li>Who would disagree?</li></ul>"
)
CATALOG = (
    ("BIO-101", "Life on a small planet", "Science", "beginner", "How living things work, from cells to forests.",
     {"Cells": ("What a cell is", "How cells divide"), "Evolution": ("Darwin's idea", "Evidence in the rocks"),
      "Ecology": ("Who eats whom", "Forests")}),
    ("HIS-210", "Cities of the Middle Ages", "History", "intermediate", "Markets, walls and guilds.",
     {"Founding a city": ("Rivers and roads", "Rights and charters"), "Daily life": ("Bread", "Guilds", "Plague")}),
    ("MAT-120", "Statistics without fear", "Mathematics", "beginner", "What numbers say, and seem to say.",
     {"Describing": ("Mean and median", "Spread"), "Deciding": ("Chance", "Testing an idea")}),
    ("ART-105", "Drawing what you see", "Arts", "beginner", "A pencil, an hour a week, and how to look.",
     {"Lines": ("Contour", "Gesture"), "Light": ("Values", "Shadow")}),
    ("CS-230", "Programs that last", "Computing", "advanced", "Writing for the next reader.",
     {"Reading": ("Code is read", "Names"), "Changing": ("Boundaries", "Tests", "Deleting")}),
)  # fmt: skip


def load(demo: Demo) -> None:
    demo.made["courses"] = []
    for number, course in enumerate(demo.track(CATALOG, "Courses")):
        code, title, category, level, description, modules = course
        owner = demo.made["instructor"][number % len(demo.made["instructor"])]
        values = {"code": code, "title": title, "category": category, "level": level, "description": description}
        with demo.core.transaction() as db:
            made = service.create_course(db, demo.core, owner, values, with_introduction=False)
            for place, (module_title, lessons) in enumerate(modules.items()):
                module = service.create_module(db, made.id, {"title": module_title})
                for lesson in lessons:
                    content = {"html": WORDS.format(title=lesson)}
                    service.create_lesson(
                        db, demo.core, module.id, owner,
                        {"title": lesson, "content_type": "text", "content": content, "is_preview": place == 0},
                    )  # fmt: skip
            service.publish_course(db, demo.core, made.id, owner)
            demo.made["courses"].append(made.id)
    if demo.scale > 1:
        _many(demo, (demo.scale - 1) * COURSES_PER_SCALE)


def _many(demo: Demo, count: int) -> None:
    copy_courses(demo, count, (demo.scale - 1) * INSTRUCTORS_PER_SCALE)
    copy_modules(demo, count)
    copy(
        demo, "Lessons", "lessons",
        ("id", "module_id", "title", "content_type", "content", "order_index", "duration_minutes"),
        count * MODULES * LESSONS,
        lambda n: (
            numbered("lesson", n), numbered("module", n // LESSONS), f"Lesson {n % LESSONS + 1}", "text",
            {"html": WORDS.format(title="A lesson")}, n % LESSONS, 1,
        ),
    )  # fmt: skip
    publish_many(demo, count)


def copy_courses(demo: Demo, count: int, instructors: int) -> None:
    """So many drafts, no two alike, taught in turn by so many of :func:`lms_core.demo.people.copy_people`."""

    def course(number: int) -> Sequence[Any]:
        made = sample(number)
        return (
            numbered("course", number), f"MANY-{number}", made.title, f"many-{number}", made.description,
            numbered("instructor", number % instructors), made.category, made.sub_category, made.level, made.language,
            made.price, made.currency, made.enrollment_type, list(made.tags), MODULES * LESSONS,
        )  # fmt: skip

    columns = (
        "id", "code", "title", "slug", "description", "instructor_id", "category", "sub_category", "level", "language",
        "price", "currency", "enrollment_type", "tags", "duration_minutes",
    )  # fmt: skip
    copy(demo, "More courses", "courses", columns, count, course)


def copy_modules(demo: Demo, count: int) -> None:
    """Four modules for each of so many courses."""
    copy(
        demo, "Modules", "modules", ("id", "course_id", "title", "order_index", "estimated_duration_minutes"),
        count * MODULES,
        lambda n: (
            numbered("module", n), numbered("course", n // MODULES), f"Part {n % MODULES + 1}", n % MODULES, LESSONS,
        ),
    )  # fmt: skip


def publish_many(demo: Demo, count: int) -> None:
    """Version 1 of each course, frozen some hundred courses at a time."""
    now = demo.core.clock()
    copy(
        demo, "Versions", "course_versions", ("id", "course_id", "number", "published_at"), count,
        lambda n: (numbered("version", n), numbered("course", n), 1, now - dt.timedelta(minutes=n)),
    )  # fmt: skip
    for begin in demo.track(range(0, count, _FROZEN_AT_ONCE), "Publishing"):
        versions = [numbered("version", n) for n in range(begin, min(begin + _FROZEN_AT_ONCE, count))]
        with demo.core.transaction() as db:
            freeze(db, versions)
            db.execute(
                update(Course)
                .where(CourseVersion.course_id == Course.id, CourseVersion.id.in_(versions))
                .values(version_id=CourseVersion.id, is_published=True, published_at=CourseVersion.published_at),
                execution_options={"synchronize_session": False},
            )
