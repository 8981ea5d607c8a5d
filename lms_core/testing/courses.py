"""Factories for courses: through the services, so that what tests use is what the application makes."""

import uuid
from dataclasses import dataclass
from typing import Any

from lms_core.courses import service
from lms_core.kernel.core import Core


@dataclass(frozen=True, slots=True)
class MadeCourse:
    """A course, its modules, and the lessons of each."""

    id: uuid.UUID
    slug: str
    modules: tuple[uuid.UUID, ...]
    lessons: tuple[uuid.UUID, ...]


def make_course(
    core: Core,
    instructor_id: uuid.UUID,
    *,
    modules: int = 1,
    lessons: int = 2,
    published: bool = True,
    min_seconds: int = 0,
    **values: Any,
) -> MadeCourse:
    """A course with ``modules`` modules of ``lessons`` text lessons each; ``values`` are the course's own."""
    values.setdefault("title", f"Course {uuid.uuid4().hex[:8]}")
    values.setdefault("code", uuid.uuid4().hex[:12].upper())
    values.setdefault("description", "What it is about.")
    with core.transaction() as db:
        course = service.create_course(db, core, instructor_id, values, with_introduction=False)
        module_ids, lesson_ids = [], []
        for number in range(modules):
            module = service.create_module(db, course.id, {"title": f"Module {number + 1}"})
            module_ids.append(module.id)
            for place in range(lessons):
                content = {
                    "title": f"Lesson {number + 1}.{place + 1}",
                    "content_type": "text",
                    "content": {"html": "<p>Some words to read.</p>"},
                    "min_seconds": min_seconds,
                }
                lesson_ids.append(service.create_lesson(db, core, module.id, instructor_id, content)[0].id)
        if published:
            service.publish_course(db, core, course.id, instructor_id)
        return MadeCourse(course.id, course.slug, tuple(module_ids), tuple(lesson_ids))
