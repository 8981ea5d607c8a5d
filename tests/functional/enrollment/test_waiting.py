"""Waiting lists: who finds every place taken waits, moves up in order, and no place is given twice."""

import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import delete, func, select, text, update

from lms_core.accounts.models import User
from lms_core.courses.models import Course
from lms_core.enrollment.models import Enrollment, EnrollmentWait
from lms_core.enrollment.waiting.queries import of_course, wait
from lms_core.kernel.outbox import deliver_pending
from lms_core.testing.courses import make_course

ENROLLMENTS = "/api/v1/enrollments"
WAITS = "/api/v1/waits"
MINE = "/api/v1/users/me/waits"


@pytest.fixture
def course(core, instructor):
    """One place, and a waiting list."""
    return make_course(core, instructor.id, title="Pottery", max_students=1, waiting_list=True)


@pytest.fixture
def join(course):
    def join(person, status=None, course=course, **more):
        answer = person.client.post_json(ENROLLMENTS, {"courseId": str(course.id), **more}, expect_errors=True)
        assert status is None or answer.status_int == status, answer
        return answer.json

    return join


@pytest.fixture
def url(course):
    return f"/api/v1/courses/{course.id}"


@pytest.fixture
def taken(core, course):
    """``taken()`` -> who is in, and how many the course counts."""

    def taken():
        with core.reader() as db:
            taking = select(Enrollment.user_id).where(Enrollment.status == "active", Enrollment.course_id == course.id)
            counted = db.scalar(select(Course.enrolled_count).where(Course.id == course.id))
            return set(db.scalars(taking)), counted

    return taken


def drop(person, enrollment):
    person.client.post_json(f"{ENROLLMENTS}/{enrollment['id']}/drop", {})


def told(person):
    return [(each["type"], each["title"]) for each in person.client.get("/api/v1/notifications").json["items"]]


def test_a_place_that_is_free_is_the_next_ones(join, make_person, url, instructor, deliver, taken, statements):
    people = [make_person("student") for _person in range(4)]
    first = join(people[0], 201)
    waits = [join(person, 202) for person in people[1:]]
    assert [(each["status"], each["position"]) for each in waits] == [("waiting", 1), ("waiting", 2), ("waiting", 3)]
    assert waits[0]["course"]["title"] == "Pottery"
    assert join(people[1], 409)["code"] == "already_waiting"
    with statements() as seen:
        assert people[3].client.get(MINE).json["items"] == [waits[2]]
    assert seen.count <= 4, seen
    with statements() as seen:
        listed = instructor.client.get(f"{url}/waiting-list").json["items"]
    assert seen.count <= 4, seen
    assert listed == waits
    deliver()
    assert taken() == ({people[0].id}, 1)
    drop(people[0], first)
    deliver()
    assert taken() == ({people[1].id}, 1)
    assert ("enrollment_accepted", "You are enrolled in Pottery") in told(people[1])
    accepted = people[1].client.get("/api/v1/notifications").json["items"][0]
    assert accepted["message"].startswith("A place has become free for you.")
    assert people[2].client.get(f"{WAITS}/{waits[1]['id']}").json["position"] == 1
    people[1].client.get(f"{WAITS}/{waits[0]['id']}", status=404)


def test_nobody_overtakes_who_waits(join, make_person, deliver, taken, core):
    first, second, third = (make_person("student") for _person in range(3))
    enrollment = join(first, 201)
    join(second, 202)
    drop(first, enrollment)
    # The place is free, and nobody has told the list yet.
    assert join(third, 202)["position"] == 2
    deliver()
    assert taken() == ({second.id}, 1)


def test_more_places_let_more_in(join, make_person, url, instructor, deliver, taken):
    people = [make_person("student") for _person in range(5)]
    for person in people:
        join(person)
    deliver()
    instructor.client.put_json(url, {"maxStudents": 3})
    deliver()
    assert taken() == ({person.id for person in people[:3]}, 3)
    instructor.client.put_json(url, {"maxStudents": None})
    deliver()
    assert taken() == ({person.id for person in people}, 5)


def test_who_is_suspended_or_deleted_is_passed_by(join, make_person, deliver, taken, core, run_periodic):
    people = [make_person("student") for _person in range(4)]
    enrollment = join(people[0], 201)
    for person in people[1:]:
        join(person, 202)
    with core.transaction() as db:
        db.execute(update(User).where(User.id == people[1].id).values(suspended_at=core.clock()))
        db.execute(update(User).where(User.id == people[2].id).values(deleted_at=core.clock()))
    drop(people[0], enrollment)
    deliver()
    assert taken() == ({people[3].id}, 1)
    with core.transaction() as db:
        db.execute(update(User).where(User.id == people[1].id).values(suspended_at=None))
        db.execute(update(Enrollment).where(Enrollment.user_id == people[3].id).values(status="expired"))
    run_periodic("enrollment.move_up")
    assert taken()[0] == {people[1].id}, "who was passed by has kept the place on the list"


@pytest.mark.parametrize("state", ["suspended_at", "deleted_at"])
@pytest.mark.parametrize("waiting_list", [False, True])
def test_an_account_that_cannot_be_used_keeps_nobody_out(
    join, make_person, instructor, url, deliver, core, run_periodic, state, waiting_list
):
    first, second, third = (make_person("student") for _person in range(3))
    enrollment = join(first, 201)
    wait = join(second, 202)["id"]
    with core.transaction() as db:
        db.execute(update(User).where(User.id == second.id).values({state: core.clock()}))
    instructor.client.put_json(url, {"waitingList": waiting_list})
    drop(first, enrollment)
    deliver()
    join(third, 201)
    run_periodic("enrollment.move_up")
    with core.transaction() as db:
        left = list(db.scalars(select(EnrollmentWait.id)))
        db.execute(update(User).where(User.id == second.id).values({state: None}))
    # Who can be let in again later waits on; whose account is gone, does not.
    assert list(map(str, left)) == ([wait] if state == "suspended_at" else [])


def test_what_nobody_has_heard_of_is_found(join, make_person, run_periodic, taken, core, deliver):
    first, second = make_person("student"), make_person("student")
    join(first, 201)
    join(second, 202)
    deliver()
    with core.transaction() as db:
        db.execute(delete(User).where(User.id == first.id))
    assert taken() == (set(), 0)
    run_periodic("enrollment.move_up")
    assert taken() == ({second.id}, 1)
    run_periodic("enrollment.move_up")


def test_nobody_moves_up_in_a_course_that_is_not_there(
    join, make_person, url, instructor, deliver, taken, run_periodic
):
    first, second = make_person("student"), make_person("student")
    enrollment = join(first, 201)
    join(second, 202)
    deliver()
    instructor.client.post(f"{url}/unpublish")
    drop(first, enrollment)
    deliver()
    run_periodic("enrollment.move_up")
    assert taken() == (set(), 0)
    instructor.client.post(f"{url}/publish")
    deliver()
    assert taken() == ({second.id}, 1)


@pytest.mark.parametrize("away", ["archive", "delete"])
def test_places_of_a_course_that_comes_back_go_to_who_waits(join, make_person, url, instructor, deliver, taken, away):
    first, second = make_person("student"), make_person("student")
    enrollment = join(first, 201)
    join(second, 202)
    deliver()
    back = "unarchive" if away == "archive" else "restore"
    instructor.client.post(f"{url}/archive") if away == "archive" else instructor.client.delete(url)
    drop(first, enrollment)
    deliver()
    assert taken() == (set(), 0)
    instructor.client.post(f"{url}/{back}")
    deliver()
    assert taken() == ({second.id}, 1)


def test_a_long_list_is_read_once_on_the_way_to_its_last_page(core, course, instructor, url):
    people = 2_000
    with core.transaction() as db:
        db.execute(
            text(
                "WITH made AS (INSERT INTO users (email, password_hash, first_name, last_name)"
                " SELECT n || '@wait.example', '', 'Robin', n::text FROM generate_series(1, :people) AS n"
                " RETURNING id, last_name::integer AS n)"
                " INSERT INTO enrollment_waits (user_id, course_id, since, admission)"
                " SELECT id, :course, now() - (:people - n) * interval '1 second', '{}' FROM made"
            ),
            {"people": people, "course": course.id},
        )
        db.execute(update(User).where(User.email == "1@wait.example").values(deleted_at=func.now()))
    last = instructor.client.get(f"{url}/waiting-list?limit=100&page={people // 100}").json
    assert [each["position"] for each in last["items"]] == list(range(people - 99, people))
    assert last["total"] == people - 1
    with core.reader() as connection:
        read = text(
            "SELECT coalesce(sum(idx_tup_fetch + seq_tup_read), 0) FROM pg_stat_xact_user_tables"
            " WHERE relname = 'enrollment_waits'"
        )
        before = connection.execute(read).scalar_one()
        of_course(connection, course.id, page=people // 100, limit=100)
        assert 0 < connection.execute(read).scalar_one() - before <= 3 * people
    with core.reader() as connection:
        chosen = select(EnrollmentWait.id).order_by(EnrollmentWait.since.desc()).limit(1)
        alone = wait(connection, connection.execute(chosen).scalar_one())
    assert alone.position == last["items"][-1]["position"]


def test_a_list_is_left(join, make_person, instructor, app, url, deliver, taken, core, assist):
    first, second, third, fourth = (make_person("student") for _person in range(4))
    join(first, 201)
    waits = [join(person, 202) for person in (second, third, fourth)]
    mine = f"{WAITS}/{waits[0]['id']}"
    for caller, status in ((third.client, 404), (app, 404)):
        caller.get(mine, status=status)
        caller.delete(mine, status=status)
    helper = assist("teaching_assistant")
    helper.client.get(mine)
    helper.client.delete(mine, status=403)
    third.client.get(f"{url}/waiting-list", status=403)
    app.get(f"{url}/waiting-list", status=401)
    second.client.delete(mine, status=204)
    second.client.delete(mine, status=404)
    instructor.client.delete(f"{WAITS}/{waits[1]['id']}", status=204)
    assert fourth.client.get(MINE).json["items"][0]["position"] == 1
    assert join(second, 202)["position"] == 2


def test_a_course_that_is_deleted_is_waited_for_no_longer(join, make_person, instructor, url):
    join(make_person("student"), 201)
    person = make_person("student")
    wait = join(person, 202)
    instructor.client.delete(url, status=204)
    person.client.get(f"{WAITS}/{wait['id']}", status=404)
    assert person.client.get(MINE).json["total"] == 0
    instructor.client.post(f"{url}/restore")
    assert [each["course"]["title"] for each in person.client.get(MINE).json["items"]] == ["Pottery"]


def test_without_a_list_nobody_waits(join, make_person, instructor, url, core):
    instructor.client.put_json(url, {"waitingList": False})
    join(make_person("student"), 201)
    assert join(make_person("student"), 409)["code"] == "course_full"
    with core.reader() as db:
        assert db.scalar(select(func.count()).select_from(EnrollmentWait)) == 0


def test_who_is_approved_without_a_place_waits(join, make_person, instructor, url, deliver, taken, core):
    first, second, third = (make_person("student") for _person in range(3))
    enrollment = join(first, 201)
    instructor.client.put_json(url, {"enrollmentType": "approval"})
    asked = [join(person, 202)["id"] for person in (second, third)]
    decisions = [{"id": each, "decision": "approve", "notes": "Soon."} for each in asked]
    answers = instructor.client.post_json(f"{url}/enrollment-requests/review", {"decisions": decisions}).json["items"]
    assert [(each["status"], each["enrollmentId"]) for each in answers] == [("approved", None)] * 2
    assert second.client.get(f"{WAITS}/{answers[0]['waitId']}").json["position"] == 1
    deliver()
    assert told(second) == [("waiting_list_joined", "You are on the waiting list of Pottery")]
    drop(first, enrollment)
    deliver()
    assert taken() == ({second.id}, 1)
    with core.reader() as db:
        extra = db.scalar(select(Enrollment.extra).where(Enrollment.user_id == second.id))
    assert extra["admission"] == {"method": "approval", "decidedBy": str(instructor.id)}


def test_nobody_is_let_in_to_what_has_ended_meanwhile(join, make_person, deliver, taken, core):
    """The method had said until when, and they have waited beyond it: the place is the next one's."""
    first, second, third = (make_person("student") for _person in range(3))
    enrollment = join(first, 201)
    wait, _third = join(second, 202), join(third, 202)
    ended = {"type": "self", "method": "open", "expiresAt": core.clock().isoformat()}
    with core.transaction() as db:
        db.execute(update(EnrollmentWait).where(EnrollmentWait.user_id == second.id).values(admission=ended))
    drop(first, enrollment)
    deliver()
    assert taken() == ({third.id}, 1)
    second.client.get(f"{WAITS}/{wait['id']}", status=404)
    assert told(second) == []


def test_who_is_let_in_by_the_staff_waits_no_longer(join, make_person, core, course, instructor):
    from lms_core.enrollment.admission import Admission
    from lms_core.enrollment.service import enroll

    join(make_person("student"), 201)
    person = make_person("student")
    wait = join(person, 202)
    with core.transaction() as db:
        enroll(db, core, person.id, course.id, Admission("instructor", decided_by=instructor.id, over_capacity=True))
    person.client.get(f"{WAITS}/{wait['id']}", status=404)


# Many at once.


def again(person):
    """The same caller in a thread of its own."""
    return person.client.bearer(person.client.authorization[1])


def rush(people, course, threads):
    """What each of the people hears who join at the same moment; who is told to come back, does."""

    def join(person):
        while True:
            body = {"courseId": str(course.id)}
            answer = again(person).post_json(ENROLLMENTS, body, expect_errors=True)
            if answer.status_int != 503 and answer.json.get("code") != "try_again":
                return answer.status_int, answer.json.get("code")

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(join, people))


@pytest.mark.parametrize("waiting_list", [False, True])
def test_two_hundred_at_once_for_ten_places(make_person, instructor, core, waiting_list, registry):
    course = make_course(core, instructor.id, max_students=10, waiting_list=waiting_list)
    people = [make_person("student") for _person in range(200)]
    heard = rush(people, course, 200)
    refused = (202, None) if waiting_list else (409, "course_full")
    assert sorted(heard) == sorted([(201, None)] * 10 + [refused] * 190)
    with core.reader() as db:
        assert db.scalar(select(Course.enrolled_count).where(Course.id == course.id)) == 10
        assert db.scalar(select(func.count()).select_from(Enrollment)) == 10
        waiting = db.scalar(select(func.count()).select_from(EnrollmentWait))
    assert waiting == (190 if waiting_list else 0)
    deliver_pending(registry)
    with core.reader() as db:
        assert db.scalar(select(func.count()).select_from(Enrollment)) == 10


def test_places_that_become_free_while_others_come(make_person, instructor, core, registry):
    """Ten leave, twenty come, and the list is told of it from several sides at once: nobody is in beyond the last."""
    course = make_course(core, instructor.id, max_students=10, waiting_list=True)
    inside = [make_person("student") for _person in range(10)]
    waiting = [make_person("student") for _person in range(8)]
    late = [make_person("student") for _person in range(12)]
    rush(inside, course, 4)
    rush(waiting, course, 4)
    with core.reader() as db:
        theirs = dict(db.execute(select(Enrollment.user_id, Enrollment.id)).all())
    counts = []

    def leave(person):
        again(person).post_json(f"{ENROLLMENTS}/{theirs[person.id]}/drop", {})

    def come(person):
        rush([person], course, 1)

    def tell(_number):
        deliver_pending(registry)
        with core.reader() as db:
            counts.append(db.scalar(select(Course.enrolled_count).where(Course.id == course.id)))

    with ThreadPoolExecutor(6) as pool:
        work = [(leave, person) for person in inside] + [(come, person) for person in late] + [(tell, 0)] * 4
        for done in [pool.submit(what, who) for what, who in work]:
            done.result()
    tell(0)
    assert max(counts) <= 10
    with core.reader() as db:
        taking = set(db.scalars(select(Enrollment.user_id).where(Enrollment.status == "active")))
        assert counts[-1] == len(taking) == 10
        assert {person.id for person in waiting} <= taking  # They had waited, and the others come after them.
        assert db.scalar(select(func.count()).select_from(EnrollmentWait)) == 10


def test_two_who_tell_the_list_at_once_give_a_place_once(join, make_person, core, course, taken):
    from lms_core.enrollment.waiting.service import move_up

    first = make_person("student")
    join(first, 201)
    for _person in range(5):
        join(make_person("student"), 202)
    with core.transaction() as db:
        db.execute(update(Enrollment).values(status="dropped"))

    def move(_number: int) -> None:
        with core.transaction() as db:
            move_up(db, core, course.id)

    with ThreadPoolExecutor(5) as pool:
        list(pool.map(move, range(5)))
    assert taken()[1] == 1
    assert len(taken()[0]) == 1


def test_an_unknown_place_on_a_list(student):
    student.client.get(f"{WAITS}/{uuid.uuid4()}", status=404)
    student.client.delete(f"{WAITS}/x", status=404)


def test_who_may_go_on_waits_no_longer(join, make_person, instructor, core, deliver, taken):
    """Whose time was over waits for a place, and is given time again: that is the place, and there is one no more."""
    person, other = make_person("student"), make_person("student")
    enrollment = join(person, 201)
    with core.transaction() as db:
        db.execute(update(Enrollment).values(status="expired", expires_at=core.clock()))
    taker = join(other, 201)
    wait = join(person, 202)
    drop(other, taker)
    instructor.client.put_json(f"{ENROLLMENTS}/{enrollment['id']}", {"expiresAt": "2999-01-01T00:00:00Z"})
    person.client.get(f"{WAITS}/{wait['id']}", status=404)
    deliver()
    assert taken() == ({person.id}, 1)
