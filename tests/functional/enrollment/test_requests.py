"""Requests to join: asking, withdrawing, asking again, and what the course's staff decides, one by one and at once."""

import email
import email.policy
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import func, select, update

from lms_core.accounts.models import User
from lms_core.courses.models import Course
from lms_core.enrollment.models import Enrollment, EnrollmentRequest
from lms_core.notifications.models import Notification
from lms_core.testing.courses import make_course

ENROLLMENTS = "/api/v1/enrollments"
REQUESTS = "/api/v1/enrollment-requests"
MINE = "/api/v1/users/me/enrollment-requests"


@pytest.fixture
def club(core, instructor):
    """A course that admits by approval."""
    return make_course(core, instructor.id, title="The club", enrollment_type="approval")


@pytest.fixture
def ask(club):
    """``ask(person)`` asks to join the club; answers the request."""

    def ask(person, reason="I like it.", status=202, course=club):
        body = {"courseId": str(course.id), "reason": reason}
        return person.client.post_json(ENROLLMENTS, body, status=status).json

    return ask


@pytest.fixture
def queue(club):
    return f"/api/v1/courses/{club.id}/enrollment-requests"


def mails(core):
    paths = (core.settings.data / "mail").glob("*.eml")
    return [email.message_from_bytes(path.read_bytes(), policy=email.policy.default) for path in paths]


def told(person):
    return [(each["type"], each["message"]) for each in person.client.get("/api/v1/notifications").json["items"]]


def test_a_request_is_its_applicants_own(ask, student, instructor, make_person, app, queue, statements):
    asked = ask(student)
    url = f"{REQUESTS}/{asked['id']}"
    assert (asked["course"]["title"], asked["user"]["id"], asked["reviewer"]) == ("The club", str(student.id), None)
    with statements() as seen:
        assert student.client.get(url).json == asked
    assert seen.count <= 4, seen
    with statements() as seen:
        assert student.client.get(MINE).json["items"] == [asked]
    assert seen.count <= 4, seen
    assert student.client.get(MINE, {"status": "rejected"}).json["items"] == []
    other = make_person("student")
    assert other.client.get(MINE).json["items"] == []
    for caller in (other.client, app):
        caller.get(url, status=404)
        caller.delete(url, status=404)
        caller.post_json(f"{url}/approve", {}, status=404)
    for caller, status in ((other.client, 403), (student.client, 403), (app, 401)):
        caller.get(queue, status=status)
        caller.post_json(f"{queue}/review", {"decisions": [{"id": asked["id"], "decision": "approve"}]}, status=status)
    student.client.post_json(f"{url}/approve", {}, status=403)
    instructor.client.delete(url, status=403)


def test_only_whom_the_owner_lets_see_and_decide(ask, student, club, queue, instructor, make_person, assist):
    asked = ask(student)
    url, body = f"{REQUESTS}/{asked['id']}", {"decisions": [{"id": asked["id"], "decision": "approve"}]}
    # The fixture's course is another one: its staff has nothing to say here.
    assist("co_instructor").client.get(url, status=404)
    helper = make_person("student")
    staff = {"userId": str(helper.id), "role": "teaching_assistant", "permissions": {}}
    instructor.client.post_json(f"/api/v1/courses/{club.id}/staff", staff, status=201)
    assert helper.client.get(queue).json["items"][0]["id"] == asked["id"]
    helper.client.get(url)
    helper.client.post_json(f"{queue}/review", body, status=403)
    helper.client.post_json(f"{url}/reject", {}, status=403)
    member = f"/api/v1/courses/{club.id}/staff/{helper.id}"
    instructor.client.put_json(member, {"permissions": {"rosters:read": False, "rosters:update": True}})
    helper.client.get(queue, status=403)
    helper.client.get(url, status=404)
    helper.client.post_json(f"{url}/approve", {}, status=404)
    instructor.client.put_json(member, {"permissions": {"rosters:update": True}})
    helper.client.post_json(f"{url}/approve", {})


def test_who_is_approved_is_in_and_hears_of_it(ask, student, instructor, club, core, deliver):
    asked = ask(student)
    deliver()
    assert told(instructor)[0] == ("enrollment_requested", "Requests wait for your decision.")
    url = f"{REQUESTS}/{asked['id']}"
    approved = instructor.client.post_json(f"{url}/approve", {"notes": "Bring\na pencil."}).json
    assert (approved["status"], approved["reviewNotes"]) == ("approved", "Bring\na pencil.")
    assert approved["reviewer"]["id"] == str(instructor.id)
    seen = student.client.get(url).json
    assert (seen["status"], seen["reviewer"]) == ("approved", None)
    student.client.get(f"/api/v1/lessons/{club.lessons[0]}")
    deliver()
    assert told(student) == [("enrollment_accepted", "Bring\na pencil.")]
    [mail] = [each for each in mails(core) if each["To"] == student.email]
    assert "your request was approved" in mail.get_body().get_content()
    assert "a pencil." in mail.get_body().get_content()
    for what in ("approve", "reject"):
        again = instructor.client.post_json(f"{url}/{what}", {}, status=409)
        assert again.json["code"] == "request_not_pending"
    with core.reader() as db:
        [extra] = db.scalars(select(Enrollment.extra))
    assert extra["admission"] == {"method": "approval", "decidedBy": str(instructor.id)}


def test_who_is_rejected_can_ask_again(ask, student, instructor, core, deliver):
    asked = ask(student)
    url = f"{REQUESTS}/{asked['id']}"
    instructor.client.post_json(f"{url}/reject", {"notes": "Not <b>yet</b>."})
    deliver()
    assert told(student) == [("enrollment_rejected", "Not <b>yet</b>.")]
    [mail] = [each for each in mails(core) if each["To"] == student.email]
    assert mail["Subject"] == "You cannot join The club"
    assert "Not &lt;b&gt;yet&lt;/b&gt;." in mail.get_body(("html",)).get_content()
    again = ask(student, "Now?")
    assert (again["id"], again["status"], again["reasonForJoining"]) == (asked["id"], "pending", "Now?")
    assert (again["reviewedAt"], again["reviewNotes"]) == (None, None)
    [earlier] = again["earlier"]
    assert (earlier["status"], earlier["reasonForJoining"], earlier["reviewNotes"]) == (
        "rejected", "I like it.", "Not <b>yet</b>.",
    )  # fmt: skip
    assert "reviewedBy" not in earlier
    assert earlier["createdAt"] == asked["createdAt"]
    instructor.client.post_json(f"{url}/reject", {"notes": "No."})
    assert [each["reviewNotes"] for each in ask(student)["earlier"]] == ["Not <b>yet</b>.", "No."]


def test_a_request_is_withdrawn(ask, student, instructor, queue):
    asked = ask(student)
    url = f"{REQUESTS}/{asked['id']}"
    student.client.delete(url, status=204)
    assert student.client.get(url).json["status"] == "withdrawn"
    assert student.client.delete(url, status=409).json["code"] == "request_not_pending"
    instructor.client.post_json(f"{url}/approve", {}, status=409)
    assert instructor.client.get(queue).json["items"] == []
    assert [each["id"] for each in instructor.client.get(queue, {"status": "withdrawn"}).json["items"]] == [asked["id"]]
    again = ask(student)
    assert (again["status"], again["earlier"]) == ("pending", [])


def test_the_queue_is_in_the_order_of_asking(ask, make_person, instructor, queue, core, statements):
    people = [make_person("student") for _person in range(5)]
    asked = [ask(person)["id"] for person in people]
    with core.transaction() as db:
        db.execute(update(User).where(User.id == people[2].id).values(deleted_at=core.clock()))
    with statements() as seen:
        answer = instructor.client.get(queue, {"limit": 3}).json
    assert seen.count <= 4, seen
    assert [each["id"] for each in answer["items"]] == [asked[0], asked[1], asked[3]]
    assert answer["total"] == 4


def test_many_are_decided_about_at_once(ask, make_person, instructor, club, core, queue, deliver):
    people = [make_person("student") for _person in range(4)]
    asked = [ask(person)["id"] for person in people]
    elsewhere = make_course(core, instructor.id, enrollment_type="approval")
    foreign = ask(people[0], course=elsewhere)["id"]
    instructor.client.put_json(f"/api/v1/courses/{club.id}", {"maxStudents": 1})
    unknown = str(uuid.uuid4())
    decisions = [
        {"id": asked[0], "decision": "approve", "notes": "Welcome."},
        {"id": asked[1], "decision": "reject", "notes": "No."},
        {"id": asked[2], "decision": "approve"},
        {"id": foreign, "decision": "approve"},
        {"id": unknown, "decision": "reject"},
    ]
    answer = instructor.client.post_json(f"{queue}/review", {"decisions": decisions}).json["items"]
    assert [(each["id"], each["status"], each["code"]) for each in answer] == [
        (asked[0], "approved", None),
        (asked[1], "rejected", None),
        (asked[2], None, "course_full"),
        (foreign, None, "not_found"),
        (unknown, None, "not_found"),
    ]
    assert answer[0]["enrollmentId"]
    assert [each["detail"] for each in answer[2:4]] == ["Every place in this course is taken.", "Not found"]
    beyond = {"decisions": [{"id": each, "decision": "approve"} for each in asked[2:]], "overCapacity": True}
    answer = instructor.client.post_json(f"{queue}/review", beyond).json["items"]
    assert [each["status"] for each in answer] == ["approved", "approved"]
    deliver()
    with core.reader() as db:
        assert db.scalar(select(Course.enrolled_count).where(Course.id == club.id)) == 3
        pending = select(func.count()).where(EnrollmentRequest.status == "pending")
        assert db.scalar(pending) == 1
        # However many ask, each of the staff has one line about them.
        assert db.scalar(select(func.count()).where(Notification.type == "enrollment_requested")) == 2
    assert told(people[1]) == [("enrollment_rejected", "No.")]


@pytest.mark.parametrize(
    "decisions",
    [
        [],
        [{"id": "x", "decision": "approve"}],
        [{"id": str(uuid.UUID(int=1)), "decision": "maybe"}],
        [{"id": str(uuid.UUID(int=1)), "decision": "approve"}] * 2,
        [{"id": str(uuid.UUID(int=1)), "decision": "approve", "notes": "x" * 2001}],
        [{"id": str(uuid.UUID(int=number)), "decision": "reject"} for number in range(501)],
    ],
)
def test_decisions_that_cannot_be_meant(instructor, queue, decisions):
    refused = instructor.client.post_json(f"{queue}/review", {"decisions": decisions}, status=422)
    assert list(refused.json["errors"]) == ["decisions"]


def test_the_cost_of_many_decisions_is_the_cost_of_few(ask, make_person, instructor, queue, statements):
    def cost(number):
        asked = [ask(make_person("student"))["id"] for _person in range(number)]
        body = {"decisions": [{"id": each, "decision": "approve"} for each in asked]}
        with statements() as seen:
            instructor.client.post_json(f"{queue}/review", body)
        return seen.count

    assert cost(12) == cost(2)


def test_staff_who_decide_at_the_same_moment_decide_once(ask, make_person, instructor, core, queue, club):
    asked = [ask(make_person("student"))["id"] for _person in range(6)]
    instructor.client.put_json(f"/api/v1/courses/{club.id}", {"maxStudents": 4})

    def decide(number):
        client = instructor.client.bearer(instructor.client.authorization[1])
        order = asked if number % 2 else asked[::-1]
        body = {"decisions": [{"id": each, "decision": "approve"} for each in order]}
        return client.post_json(f"{queue}/review", body).json["items"]

    with ThreadPoolExecutor(4) as pool:
        answers = [each for items in pool.map(decide, range(4)) for each in items]
    assert sum(each["status"] == "approved" for each in answers) == 4
    assert {each["code"] for each in answers if each["status"] is None} == {"request_not_pending", "course_full"}
    with core.reader() as db:
        assert db.scalar(select(Course.enrolled_count)) == 4
        assert db.scalar(select(func.count()).select_from(Enrollment)) == 4
        assert db.scalar(select(func.count()).where(EnrollmentRequest.status == "pending")) == 2


def test_who_is_in_by_another_way_waits_no_longer(ask, student, make_person, instructor, club):
    asked = ask(student)
    instructor.client.put_json(f"/api/v1/courses/{club.id}", {"enrollmentType": "open"})
    student.client.post_json(ENROLLMENTS, {"courseId": str(club.id)}, status=201)
    assert student.client.get(f"{REQUESTS}/{asked['id']}").json["status"] == "approved"


def test_nothing_is_decided_in_an_archived_course(ask, student, instructor, club, queue):
    asked = ask(student)
    instructor.client.post(f"/api/v1/courses/{club.id}/archive")
    refused = instructor.client.post_json(f"{REQUESTS}/{asked['id']}/approve", {}, status=409)
    assert refused.json["code"] == "course_archived"
    assert student.client.get(f"{REQUESTS}/{asked['id']}").json["status"] == "pending"
    student.client.delete(f"{REQUESTS}/{asked['id']}", status=204)


def test_who_is_suspended_is_not_let_in_by_an_approval(ask, student, instructor, core):
    asked = ask(student)
    with core.transaction() as db:
        db.add(Enrollment(user_id=student.id, course_id=uuid.UUID(asked["courseId"]), status="suspended"))
    refused = instructor.client.post_json(f"{REQUESTS}/{asked['id']}/approve", {}, status=409)
    assert refused.json["code"] == "enrollment_suspended"


def test_a_request_to_a_course_that_is_deleted_shows_nothing_of_it(ask, student, instructor, club):
    asked = ask(student)
    url = f"/api/v1/enrollment-requests/{asked['id']}"
    course = f"/api/v1/courses/{asked['courseId']}"
    instructor.client.delete(course, status=204)
    assert student.client.get("/api/v1/users/me/enrollment-requests").json["total"] == 0
    student.client.get(url, status=404)
    student.client.delete(url, status=404)
    instructor.client.get(url, status=404)
    instructor.client.post(f"{course}/restore")
    assert student.client.get("/api/v1/users/me/enrollment-requests").json["items"] == [asked]
    student.client.delete(url, status=204)
