"""How long a course is: for its students as it was published, for its author as the draft has become."""

import pytest
from sqlalchemy import select

from lms_core.courses.freezing import follow
from lms_core.courses.models import LessonRevision
from lms_core.testing.courses import make_course


@pytest.fixture
def course(core, instructor):
    """Two lessons of ten minutes in each of two modules, published."""
    made = make_course(core, instructor.id, modules=2, published=False)
    for lesson in made.lessons:
        instructor.client.put_json(f"/api/v1/lessons/{lesson}", {"durationMinutes": 10})
    instructor.client.post_json(f"/api/v1/courses/{made.id}/publish")
    return made


def shown(client, course):
    """What the course and its card say, and the draft's minutes."""
    said = client.get(f"/api/v1/courses/{course.id}").json
    [card] = client.get("/api/v1/courses").json["items"]
    return said["durationMinutes"], card["durationMinutes"], said["draftDurationMinutes"]


def change(instructor, course):
    instructor.client.put_json(f"/api/v1/lessons/{course.lessons[0]}", {"durationMinutes": 99})
    instructor.client.put_json(f"/api/v1/modules/{course.modules[1]}", {"isPublished": False})


def test_what_is_published_does_not_follow_the_draft(app, instructor, student, course):
    student.client.post_json("/api/v1/enrollments", {"courseId": str(course.id)}, status=201)
    assert shown(app, course) == shown(student.client, course) == (40, 40, None)
    assert shown(instructor.client, course) == (40, 40, 40)

    change(instructor, course)
    assert shown(app, course) == shown(student.client, course) == (40, 40, None)
    assert shown(instructor.client, course) == (40, 40, 109)
    [mine] = student.client.get("/api/v1/users/me/courses").json["items"]
    assert mine["course"]["durationMinutes"] == 40
    assert sum(
        module["estimatedDurationMinutes"] for module in app.get(f"/api/v1/courses/{course.id}/modules").json["items"]
    ) == 40  # fmt: skip

    instructor.client.post_json(f"/api/v1/courses/{course.id}/publish")
    assert shown(app, course) == (109, 109, None)
    assert shown(instructor.client, course) == (109, 109, 109)


def test_an_old_version_put_back_counts_from_the_next_publication(app, instructor, course):
    change(instructor, course)
    url = f"/api/v1/courses/{course.id}"
    instructor.client.post_json(f"{url}/publish")
    instructor.client.post_json(f"{url}/versions/1/restore")
    assert shown(app, course) == (109, 109, None)
    instructor.client.post_json(f"{url}/publish")
    assert shown(app, course) == (40, 40, None)


def test_a_course_that_is_not_published_is_as_long_as_its_draft(instructor, course):
    url = f"/api/v1/courses/{course.id}"
    instructor.client.post_json(f"{url}/unpublish")
    change(instructor, course)
    said = instructor.client.get(url).json
    [card] = instructor.client.get("/api/v1/courses?mine=true").json["items"]
    assert said["durationMinutes"] == said["draftDurationMinutes"] == card["durationMinutes"] == 109


def test_what_is_found_out_of_the_version_counts(core, app, instructor, course):
    def measure(minutes):
        with core.transaction() as db:
            first = LessonRevision.lesson_id == course.lessons[1], LessonRevision.duration_minutes.in_((10, 15))
            revision = db.scalars(select(LessonRevision).where(*first)).one()
            revision.duration_minutes = minutes
            db.flush()
            follow(db, [revision.id])

    measure(15)
    assert shown(app, course) == (45, 45, None)
    instructor.client.put_json(f"/api/v1/lessons/{course.lessons[1]}", {"durationMinutes": 20})
    instructor.client.post_json(f"/api/v1/courses/{course.id}/publish")
    assert shown(app, course) == (50, 50, None)
    measure(1_000)  # A state that no student sees any more.
    assert shown(app, course) == (50, 50, None)


def test_a_copy_is_as_long_as_the_draft(instructor, course):
    change(instructor, course)
    copy = instructor.client.post_json(f"/api/v1/courses/{course.id}/duplicate", {}, status=201).json
    assert (copy["durationMinutes"], copy["draftDurationMinutes"]) == (109, 109)
    published = instructor.client.post_json(f"/api/v1/courses/{copy['id']}/publish").json
    assert (published["durationMinutes"], published["draftDurationMinutes"]) == (109, 109)
