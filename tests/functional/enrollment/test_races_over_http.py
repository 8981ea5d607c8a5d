"""Places and codes that more want than there are, over HTTP, from processes that share only the database."""

import signal
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Barrier

import httpx
import psutil
import pytest
from sqlalchemy import func, select, text

from lms_core.courses.models import Course
from lms_core.enrollment.models import AccessCode, AccessCodeUse, Enrollment
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


def test_a_kill_in_the_middle_of_an_enrollment_leaves_nothing_half_done(server, core, instructor):
    """All that an enrollment writes is there or nothing of it, and who sends it again is in once."""
    coded = make_course(core, instructor.id, enrollment_type="code", max_students=1)
    with core.transaction() as db:
        db.add(AccessCode(course_id=coded.id, code="OPEN-DAY-1", max_uses=1))
    person = make_user(core)
    sending = {
        "url": "/api/v1/enrollments", "json": {"courseId": str(coded.id), "code": "OPEN-DAY-1"},
        "headers": {"Authorization": f"Bearer {bearer(core, person)}", "Idempotency-Key": "once"},
    }  # fmt: skip
    with ThreadPoolExecutor(1) as pool, core.transaction() as db:
        # The last thing that it writes has to wait: the code's use, the place and the enrollment stand there already.
        db.execute(text("LOCK TABLE outbox IN SHARE MODE"))
        asked = pool.submit(lambda: httpx.post(server.url + sending["url"], **tail(sending), timeout=120))
        at_work = until(core, "wait_event_type = 'Lock' AND query ILIKE 'INSERT INTO outbox%'")
        kill(server)
        with pytest.raises(httpx.TransportError):
            asked.result()
    until(core, f"NOT EXISTS (SELECT FROM pg_stat_activity WHERE pid = {at_work})")
    assert standing(core, coded) == (0, 0, 0, 0)
    server.start()
    for _again in range(2):
        answer = httpx.post(server.url + sending["url"], **tail(sending), timeout=120)
        assert answer.status_code == 201
    assert standing(core, coded) == (1, 1, 1, 1)


def tail(sending):
    return {name: value for name, value in sending.items() if name != "url"}


def kill(server):
    """Every process of an installation at once, by SIGKILL."""
    processes = server.processes()
    server.stop(signal.SIGKILL)
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.kill()


def until(core, condition):
    """The id of the first process of the database of which it holds, once there is one."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with core.reader() as db:
            found = db.scalar(text(f"SELECT pid FROM pg_stat_activity WHERE {condition} LIMIT 1"))
        if found is not None:
            return found
        time.sleep(0.02)
    raise AssertionError(f"it never held: {condition}")


def standing(core, course):
    """Enrollments, places that the course counts, uses that the code counts, and uses that are known."""
    with core.reader() as db:
        return (
            db.scalar(select(func.count()).where(Enrollment.course_id == course.id)),
            db.scalar(select(Course.enrolled_count).where(Course.id == course.id)),
            db.scalar(select(AccessCode.used_count)),
            db.scalar(select(func.count()).select_from(AccessCodeUse)),
        )
