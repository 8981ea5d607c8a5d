"""A course, and people who take it or help to run it."""

from typing import Any

import pytest

from lms_core.testing.courses import MadeCourse, make_course


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
