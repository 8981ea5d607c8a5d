"""What people are called where others read it."""

import pytest
from sqlalchemy import update

from lms_core.accounts.models import User
from lms_core.testing.courses import make_course


@pytest.fixture
def named(core, instructor, student):
    """A teacher and a student who have one name each, and a course."""
    with core.transaction() as db:
        for person, name in ((instructor, "Plato"), (student, "Madonna")):
            db.execute(update(User).where(User.id == person.id).values(first_name=name, last_name=""))
    course = make_course(core, instructor.id)
    student.client.post_json("/api/v1/enrollments", {"courseId": str(course.id)}, status=201)
    return course


def test_who_has_no_last_name_is_called_by_the_first_alone(app, student, instructor, named):
    address = f"/api/v1/courses/{named.id}"
    [card] = app.get("/api/v1/courses").json["items"]
    [row] = instructor.client.get(f"{address}/enrollments").json["items"]
    [taken] = student.client.get("/api/v1/users/me/courses").json["items"]
    [found] = instructor.client.get(f"{address}/enrollments?search=donna").json["items"]
    assert [
        student.client.get("/api/v1/users/me").json["fullName"],
        card["instructor"]["name"],
        row["student"]["name"],
        taken["course"]["instructorName"],
        found["student"]["name"],
    ] == ["Madonna", "Plato", "Madonna", "Plato", "Madonna"]
