"""The demo's institution is one that people could have made."""

from sqlalchemy import func, select

from lms_core.accounts.models import User
from lms_core.certificates.models import Certificate
from lms_core.courses.models import Announcement, AnnouncementRead, Course, Lesson
from lms_core.demo import Demo, load
from lms_core.enrollment.models import Enrollment
from lms_core.kernel.core import Core
from lms_core.learning.models import CourseRating, LessonProgress, RatingVote
from lms_core.testing.client import Client


def test_the_small_one_has_people_of_each_role_and_progress(core: Core, registry, app: Client):
    demo = Demo(registry, 1, lambda rows, _what: rows)
    load(demo)
    assert {who.role for who in demo.sign_ins} == {"admin", "moderator", "instructor", "student"}
    student = next(who for who in demo.sign_ins if who.role == "student")
    mine = app.login(student.email, student.password).get("/api/v1/users/me/courses").json["items"]
    assert mine
    assert app.get("/api/v1/courses").json["total"] == 5
    with core.reader() as db:
        assert set(db.scalars(select(Enrollment.status))) == {"active", "completed"}
    course = mine[0]["course"]["id"]
    news = app.login(student.email, student.password).get("/api/v1/users/me/announcements").json["items"]
    assert {"Welcome", "The reading room moves"} == {each["title"] for each in news}
    reviews = app.get(f"/api/v1/courses/{course}/ratings").json["items"]
    assert reviews
    assert app.get(f"/api/v1/courses/{course}").json["ratingCount"] == len(reviews)


def test_who_has_completed_a_course_there_has_a_certificate(core: Core, registry, deliver):
    load(Demo(registry, 1, lambda rows, _what: rows))
    deliver()
    with core.reader() as db:
        issued = set(db.scalars(select(Certificate.enrollment_id).where(Certificate.checksum.is_not(None))))
        assert issued == set(db.scalars(select(Enrollment.id).where(Enrollment.status == "completed"))) != set()


def test_a_larger_one_is_as_many_times_as_large_and_consistent(core: Core, registry):
    load(Demo(registry, 3, lambda rows, _what: rows))
    with core.reader() as db:
        assert db.scalar(select(func.count()).select_from(User)) == 10 + 2 * 102
        assert db.scalar(select(func.count()).select_from(Course)) == 5 + 2 * 10
        counts = select(func.sum(Course.enrolled_count), func.sum(Course.duration_minutes))
        enrolled, minutes = db.execute(counts).one()
        assert enrolled == db.scalar(select(func.count()).select_from(Enrollment))
        assert minutes == db.scalar(select(func.sum(Lesson.duration_minutes)))
        done = select(func.count()).select_from(LessonProgress).where(LessonProgress.status == "completed")
        assert db.scalar(done) == db.scalar(select(func.sum(Enrollment.lessons_completed)))
        for kept, rows in (
            (func.sum(Course.rating_count), select(func.count()).select_from(CourseRating)),
            (func.sum(Announcement.read_count), select(func.count()).select_from(AnnouncementRead)),
            (func.sum(CourseRating.helpful_count), select(func.count()).where(RatingVote.is_helpful)),
        ):
            assert db.scalar(select(kept)) == db.scalar(rows) > 100
        assert db.scalar(select(func.count()).where(Announcement.announced_at.is_(None))) == 5, "scheduled ones"
