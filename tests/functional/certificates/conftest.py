"""A course that somebody has completed, and the certificate that it earned."""

import pytest
from sqlalchemy import select

from lms_core.certificates.models import Certificate
from lms_core.testing.courses import make_course


@pytest.fixture
def course(core, instructor):
    return make_course(core, instructor.id, title="Bread & its history", lessons=1)


@pytest.fixture
def complete(deliver):
    """``complete(person, course)``: they take it, finish it, and what follows from that has happened."""

    def run(person, course, *, then=deliver):
        person.client.post_json("/api/v1/enrollments", {"courseId": str(course.id)}, status=201)
        for lesson in course.lessons:
            person.client.post_json(f"/api/v1/lessons/{lesson}/start")
            person.client.post_json(f"/api/v1/lessons/{lesson}/complete")
        then()

    return run


@pytest.fixture
def certificate(student, course, complete):
    """The student's, as they see it in their list."""
    complete(student, course)
    (only,) = student.client.get("/api/v1/users/me/certificates").json["items"]
    return only


@pytest.fixture
def row_of(core):
    """``row_of(number)``: all that the table holds of a certificate."""

    def read(number):
        with core.transaction() as db:
            return db.scalar(select(Certificate).where(Certificate.certificate_number == number))

    return read
