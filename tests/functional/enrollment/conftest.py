"""A course, people who take it or help to run it, and an application with one more way into a course."""

from collections.abc import Iterator
from importlib.metadata import EntryPoint, entry_points
from typing import Any

import pytest

import lms_core
from lms_core.kernel.plugins import GROUP, Plugins
from lms_core.testing.client import Client
from lms_core.testing.courses import MadeCourse, make_course

TOY = EntryPoint("toy", "tests.fixtures.toy_enrollment", GROUP)


@pytest.fixture
def course(core: Any, instructor: Any) -> MadeCourse:
    return make_course(core, instructor.id)


@pytest.fixture
def take(course: MadeCourse) -> Any:
    """``take(person)`` enrolls somebody in the course; answers the enrollment's address."""

    def enroll(person: Any) -> str:
        made = person.client.post_json("/api/v1/enrollments", {"courseId": str(course.id)}, status=201).json
        return f"/api/v1/enrollments/{made['id']}"

    return enroll


@pytest.fixture
def assist(course: MadeCourse, instructor: Any, make_person: Any) -> Any:
    """``assist("co_instructor")`` is somebody new on the course's staff."""

    def assign(role: str = "teaching_assistant", **permissions: bool) -> Any:
        person = make_person()
        body = {
            "userId": str(person.id),
            "role": role,
            "permissions": {name.replace("_", ":"): given for name, given in permissions.items()},
        }
        instructor.client.post_json(f"/api/v1/courses/{course.id}/staff", body, status=201)
        return person

    return assign


@pytest.fixture
def school(settings: Any) -> Iterator[Client]:
    """A caller of an application where courses can be joined by a word, too."""
    plugins = Plugins(lms_core.HOOKS, found=[*entry_points(group=GROUP), TOY])
    config = lms_core.configure(settings, plugins)
    yield Client(config.make_wsgi_app())
    config.registry.request_log.close()
    config.registry.core.close()
