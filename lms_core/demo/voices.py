"""What is announced in the courses, and what their students say of them.

By scale: two announcements a course, the first read by everybody, and a rating with a vote for every other enrollment.
"""

import datetime as dt
import uuid
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from lms_core.courses.announcements.service import create_announcement, mark_read
from lms_core.courses.models import Course
from lms_core.demo import Demo, copy, numbered
from lms_core.demo.catalog import COURSES_PER_SCALE
from lms_core.demo.people import INSTRUCTORS_PER_SCALE, STUDENTS_PER_SCALE
from lms_core.demo.progress import COURSES_EACH, course_of
from lms_core.enrollment.models import Enrollment
from lms_core.learning.ratings.service import rate, respond, vote

NEWS: tuple[tuple[dict[str, Any], int], ...] = (
    ({"title": "Welcome", "content": "<p>Good to have you here. Begin with the <b>first lesson</b>, and take your time."
      "</p>"}, 0),
    ({"title": "The reading room moves", "content": "<p>From Monday we meet in room 7, one floor up.</p>",
      "priority": "high"}, 0),
    ({"title": "A guest next week", "content": "<p>Bring your questions.</p>"}, 7),
    ({"title": "Who marks what", "content": "<p>The list is in the usual place.</p>",
      "target_audience": {"groups": ["staff"]}}, 0),
)  # fmt: skip
"""Each with the days until it is shown."""
REVIEWS = (
    (5, "Clear and kind", "I have understood more in two evenings than in a year at school."),
    (4, "Well worth it", "Good examples. A little more to practise, and it would be perfect."),
    (5, None, "The questions at the end of each lesson stay with you."),
    (3, "Too short", "I would have liked another module."),
    (4, None, None),
)
ANSWER = "Thank you! Another module is being written."
NEWS_EACH = 2


def load(demo: Demo) -> None:
    with demo.core.reader() as db:
        owners = dict(db.execute(select(Course.id, Course.instructor_id)).all())
        places = select(Enrollment.user_id, Enrollment.course_id).order_by(Enrollment.course_id, Enrollment.user_id)
        enrollments = db.execute(places.where(Enrollment.course_id.in_(demo.made["courses"]))).all()
    for course in demo.track(demo.made["courses"], "Announcements"):
        with demo.core.transaction() as db:
            _announce(demo, db, course, owners[course], [each for each in enrollments if each.course_id == course])
    for number, enrollment in enumerate(demo.track(enrollments, "Ratings")):
        with demo.core.transaction() as db:
            _review(demo, db, enrollment, number, owners[enrollment.course_id])
    if demo.scale > 1:
        _announce_many(demo)
        _rate_many(demo)


def _announce(demo: Demo, db: Session, course: uuid.UUID, owner: uuid.UUID, students: list[Any]) -> None:
    now = demo.core.clock()
    for values, days in NEWS:
        at = {"publish_at": now + dt.timedelta(days=days)} if days else {}
        made, _removed = create_announcement(db, demo.registry, course, owner, {**values, **at})
        for student in () if days else students[::2]:
            mark_read(db, made, student.user_id)


def _review(demo: Demo, db: Session, enrollment: Any, number: int, owner: uuid.UUID) -> None:
    stars, title, content = REVIEWS[number % len(REVIEWS)]
    words = {"rating": stars, "review_title": title, "review_content": content}
    rating = rate(db, demo.core, enrollment.user_id, enrollment.course_id, words)
    for voter in demo.made["student"][: number % 3]:
        if voter != enrollment.user_id:
            vote(db, rating, voter, helpful=stars > 3)
    if stars < 4:
        respond(db, demo.core, rating, ANSWER)


def _announce_many(demo: Demo) -> None:
    times, now = demo.scale - 1, demo.core.clock()
    instructors, courses = times * INSTRUCTORS_PER_SCALE, times * COURSES_PER_SCALE
    copy(
        demo, "More announcements", "announcements",
        ("id", "course_id", "author_id", "title", "content", "publish_at", "announced_at"),
        courses * NEWS_EACH,
        lambda n: (
            numbered("announcement", n), numbered("course", n // NEWS_EACH),
            numbered("instructor", n // NEWS_EACH % instructors), NEWS[n % NEWS_EACH][0]["title"],
            NEWS[n % NEWS_EACH][0]["content"], now - dt.timedelta(minutes=n), now,
        ),
    )  # fmt: skip
    copy(
        demo, "Who has read them", "announcement_reads", ("announcement_id", "user_id"),
        times * STUDENTS_PER_SCALE * COURSES_EACH,
        lambda n: (
            numbered("announcement", course_of(n, courses) * NEWS_EACH), numbered("student", n // COURSES_EACH),
        ),
    )  # fmt: skip


def _rate_many(demo: Demo) -> None:
    times, now = demo.scale - 1, demo.core.clock()
    students, courses = times * STUDENTS_PER_SCALE, times * COURSES_PER_SCALE
    ratings = students * COURSES_EACH // 2
    copy(
        demo, "More ratings", "course_ratings",
        ("id", "course_id", "user_id", "enrollment_id", "rating", "review_title", "review_content", "created_at"),
        ratings,
        lambda n: (
            numbered("rating", n), numbered("course", course_of(2 * n, courses)),
            numbered("student", 2 * n // COURSES_EACH), numbered("enrollment", 2 * n), *REVIEWS[n % len(REVIEWS)],
            now - dt.timedelta(minutes=n),
        ),
    )  # fmt: skip
    copy(
        demo, "Votes", "rating_votes", ("rating_id", "user_id", "is_helpful"), ratings,
        lambda n: (numbered("rating", n), numbered("student", (2 * n // COURSES_EACH + 1) % students), n % 3 > 0),
    )  # fmt: skip
