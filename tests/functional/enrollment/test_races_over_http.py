"""Places and codes that more want than there are, over HTTP, from processes that share only the database."""

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import httpx
import pytest
from sqlalchemy import func, select

from lms_core.courses.models import Course
from lms_core.enrollment.models import AccessCode, Enrollment
from lms_core.testing.accounts import bearer, make_user
from lms_core.testing.courses import make_course

PEOPLE, PLACES = 200, 10


@pytest.fixture
def server(make_live, core, database_url):
    keys = core.settings.text("lms.jwt.keys")
    live = make_live(SQLALCHEMY_URL=database_url, LMS_JWT_KEYS=keys, LMS_WEB_WORKERS="3", LMS_RATELIMIT_ENABLED="false")
    yield live.start()
    live.close()


def rush(server, tokens, body):
    """What each of them hears who ask at the same moment; who is told to come back in a moment, does."""
    together = Barrier(len(tokens))

    def ask(token):
        with httpx.Client(base_url=server.url, headers={"Authorization": f"Bearer {token}"}, timeout=120) as client:
            together.wait()
            while True:
                answer = client.post("/api/v1/enrollments", json=body)
                if answer.status_code != 503 and answer.json().get("code") != "try_again":
                    return answer.status_code, answer.json().get("code")
                time.sleep(float(answer.headers.get("Retry-After", 1)) / 4)

    with ThreadPoolExecutor(len(tokens)) as pool:
        return Counter(pool.map(ask, tokens))


def test_two_hundred_for_ten_places_and_for_ten_uses(server, core, instructor):
    few = make_course(core, instructor.id, max_students=PLACES)
    coded = make_course(core, instructor.id, enrollment_type="code")
    with core.transaction() as db:
        db.add(AccessCode(course_id=coded.id, code="OPEN-DAY-1", max_uses=PLACES))
    tokens = [bearer(core, make_user(core)) for _person in range(PEOPLE)]
    heard = rush(server, tokens, {"courseId": str(few.id)})
    assert heard == {(201, None): PLACES, (409, "course_full"): PEOPLE - PLACES}
    heard = rush(server, tokens, {"courseId": str(coded.id), "code": "OPEN-DAY-1"})
    assert heard == {(201, None): PLACES, (422, "access_code_used_up"): PEOPLE - PLACES}
    with core.reader() as db:
        for course in (few, coded):
            let_in = select(func.count()).where(Enrollment.course_id == course.id)
            assert db.scalar(let_in) == PLACES
            assert db.scalar(select(Course.enrolled_count).where(Course.id == course.id)) == PLACES
        assert db.scalar(select(AccessCode.used_count)) == PLACES
