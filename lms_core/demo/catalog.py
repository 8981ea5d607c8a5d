"""Courses with modules and lessons; by scale, ten courses more each time, of four modules with five lessons."""

import datetime as dt

from sqlalchemy import update

from lms_core.courses import service
from lms_core.courses.freezing import freeze
from lms_core.courses.models import Course, CourseVersion
from lms_core.demo import Demo, copy, numbered
from lms_core.demo.people import INSTRUCTORS_PER_SCALE

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
                        db, module.id,
                        {"title": lesson, "content_type": "text", "content": content, "is_preview": place == 0},
                    )  # fmt: skip
            service.publish_course(db, demo.core, made.id, owner)
            demo.made["courses"].append(made.id)
    if demo.scale > 1:
        _many(demo, (demo.scale - 1) * COURSES_PER_SCALE)


def _publish_many(demo: Demo, count: int) -> None:
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


def _many(demo: Demo, count: int) -> None:
    instructors = (demo.scale - 1) * INSTRUCTORS_PER_SCALE
    categories = sorted({course[2] for course in CATALOG})
    levels = ("beginner", "intermediate", "advanced")
    copy(
        demo, "More courses", "courses",
        ("id", "code", "title", "slug", "description", "instructor_id", "category", "level", "price",
         "tags", "duration_minutes"),
        count,
        lambda n: (
            numbered("course", n), f"MANY-{n}", f"{CATALOG[n % 5][1]}, part {n}", f"many-{n}", CATALOG[n % 5][4],
            numbered("instructor", n % instructors), categories[n % len(categories)], levels[n % 3],
            (n % 7) * 10 if n % 3 == 0 else 0, f"{{tag{n % 50},demo}}",
            MODULES * LESSONS,
        ),
    )  # fmt: skip
    copy(
        demo, "Modules", "modules", ("id", "course_id", "title", "order_index", "estimated_duration_minutes"),
        count * MODULES,
        lambda n: (
            numbered("module", n), numbered("course", n // MODULES), f"Part {n % MODULES + 1}", n % MODULES, LESSONS,
        ),
    )  # fmt: skip
    copy(
        demo, "Lessons", "lessons",
        ("id", "module_id", "title", "content_type", "content", "order_index", "duration_minutes"),
        count * MODULES * LESSONS,
        lambda n: (
            numbered("lesson", n), numbered("module", n // LESSONS), f"Lesson {n % LESSONS + 1}", "text",
            {"html": WORDS.format(title="A lesson")}, n % LESSONS, 1,
        ),
    )  # fmt: skip
    _publish_many(demo, count)
