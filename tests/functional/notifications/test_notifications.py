"""What people are told, and the inbox where they read it."""

import email
import email.policy
import uuid

import pytest
from sqlalchemy import func, insert, select, text, update

from lms_core.accounts.events import UserRegistered
from lms_core.accounts.models import User
from lms_core.kernel.delivery import deliver
from lms_core.kernel.events import publish
from lms_core.kernel.outbox import deliver_pending
from lms_core.notifications.models import Notification, NotificationPreference
from lms_core.notifications.service import notify
from lms_core.testing.courses import make_course

INBOX = "/api/v1/notifications"
_NO_MAIL = dict.fromkeys(("course_completed", "enrollment_accepted", "certificate_issued"), False)


def _tell(core, person, number=1, **fields):
    with core.transaction() as db:
        ids = [notify(db, person.id, "news", f"News {each}", "Read all about it.") for each in range(1, number + 1)]
        if fields:
            db.execute(update(Notification).values(**fields))
        return ids


def _titles(answer):
    return [each["title"] for each in answer.json["items"]]


def _mails(core):
    paths = sorted((core.settings.data / "mail").glob("*.eml"))
    return [email.message_from_bytes(path.read_bytes(), policy=email.policy.default) for path in paths]


def _complete(student, course):
    student.client.post_json("/api/v1/enrollments", {"courseId": str(course.id)}, status=201)
    for lesson in course.lessons:
        student.client.post_json(f"/api/v1/lessons/{lesson}/start")
        student.client.post_json(f"/api/v1/lessons/{lesson}/complete")


def test_who_begins_later_is_told_when(core, registry, instructor, make_person):
    course, later, now = make_course(core, instructor.id), make_person(), make_person()
    students = [{"userId": str(later.id), "startsAt": "2998-01-01T00:00:00+01:00"}, {"userId": str(now.id)}]
    instructor.client.post_json(f"/api/v1/courses/{course.id}/enrollments/bulk", {"students": students})
    deliver_pending(registry)
    when = "You can start with the first lesson on 2997-12-31 23:00 UTC."
    [told] = later.client.get("/api/v1/notifications").json["items"]
    assert told["message"] == when
    [taken] = later.client.get("/api/v1/users/me/courses").json["items"]
    assert taken["startsAt"] == "2997-12-31T23:00:00Z"
    [told] = now.client.get("/api/v1/notifications").json["items"]
    assert told["message"] == "You can start with the first lesson whenever you like."
    by_receiver = {mail["To"]: mail for mail in _mails(core)}
    for kind in ("plain", "html"):
        assert "lesson on 2997-12-31 23:00 UTC." in by_receiver[later.email].get_body((kind,)).get_content()
        assert "whenever" in by_receiver[now.email].get_body((kind,)).get_content()


def test_a_completed_course_is_told_once_and_by_mail(core, registry, student, instructor):
    course = make_course(core, instructor.id, title="Bread & its history", completion_certificate=False)
    _complete(student, course)
    deliver_pending(registry)
    told = student.client.get(INBOX).json["items"]
    assert [each["type"] for each in told] == ["course_completed", "enrollment_accepted"]
    assert told[0]["title"] == "You have completed Bread & its history"
    assert told[0]["actionUrl"] == f"/courses/{course.id}"
    assert told[0]["data"]["courseId"] == str(course.id)
    assert (told[0]["readAt"], told[0]["priority"]) == (None, "normal")

    enrolled, completed = sorted(_mails(core), key=lambda mail: "completed" in mail["Subject"])
    assert (enrolled["To"], completed["To"]) == (student.email, student.email)
    assert enrolled["Subject"] == "You are enrolled in Bread & its history"
    assert completed["Subject"] == "You have completed Bread & its history"
    plain = completed.get_body(("plain",)).get_content()
    assert f"Your course: http://localhost/courses/{course.id}\n" in plain
    page = completed.get_body(("html",)).get_content()
    assert "“Bread &amp; its history”" in page
    assert f'href="http://localhost/courses/{course.id}"' in page

    with core.reader() as db:
        events = db.execute(text("SELECT event_id FROM outbox")).scalars().all()
    deliver(registry, "notifications.course_completed", events, again=True)
    assert len(student.client.get(INBOX).json["items"]) == 2, "a redelivery tells nothing new"
    assert len(_mails(core)) == 2


def test_who_registers_is_welcomed(core, registry, student):
    with core.transaction() as db:
        publish(db, UserRegistered(student.id))
    deliver_pending(registry)
    assert _titles(student.client.get(INBOX)) == ["Welcome to LMS"]
    assert _mails(core) == []


@pytest.mark.parametrize("wish", [{"email_enabled": False}, {"preferences": _NO_MAIL}])
def test_who_wants_no_mail_gets_none(core, registry, student, instructor, wish):
    with core.transaction() as db:
        db.execute(insert(NotificationPreference).values(user_id=student.id, **wish))
    _complete(student, make_course(core, instructor.id))
    deliver_pending(registry)
    assert len(student.client.get(INBOX).json["items"]) == 3
    assert _mails(core) == []


def test_nobody_is_told_whose_account_is_gone(core, registry, student):
    with core.transaction() as db:
        db.execute(update(User).where(User.id == student.id).values(deleted_at=func.now()))
        publish(db, UserRegistered(student.id))
        publish(db, UserRegistered(uuid.uuid4()))
    assert deliver_pending(registry) == 2
    with core.reader() as db:
        assert db.execute(select(Notification.id)).all() == []


def test_the_inbox_is_read_in_parts(core, student, statements):
    _tell(core, student, 5)
    with statements() as seen:
        first = student.client.get(f"{INBOX}?limit=2")
    assert seen.count <= 2, seen
    rest = student.client.get(f"{INBOX}?limit=3&cursor={first.json['next']}")
    assert len(first.json["items"] + rest.json["items"]) == 5
    assert sorted(_titles(first) + _titles(rest)) == [f"News {each}" for each in range(1, 6)]
    assert rest.json["next"] is None
    assert student.client.get(f"{INBOX}?cursor=x", status=422).json["code"] == "cursor_invalid"


def test_a_notification_is_read_once(core, student):
    first, second = _tell(core, student, 2)
    read = student.client.post_json(f"{INBOX}/{first}/read", {}).json
    assert read["readAt"] is not None
    assert student.client.post_json(f"{INBOX}/{first}/read", {}).json == read, "the first time stays"
    assert student.client.get(f"{INBOX}/{first}").json == read
    assert _titles(student.client.get(f"{INBOX}?unread=true")) == ["News 2"]
    assert _titles(student.client.get(f"{INBOX}?unread=false")) == ["News 1"]
    assert student.client.post_json(f"{INBOX}/read-all", {}).json == {"marked": 1}
    assert student.client.post_json(f"{INBOX}/read-all", {}).json == {"marked": 0}
    assert student.client.get(f"{INBOX}/{second}").json["readAt"] is not None


def test_what_has_expired_is_gone(core, student):
    (expired,) = _tell(core, student, expires_at=func.now() - text("interval '1 s'"))
    assert student.client.get(INBOX).json["items"] == []
    student.client.get(f"{INBOX}/{expired}", status=404)


def test_an_inbox_is_its_owners_alone(core, student, make_person, admin, app):
    (theirs,) = _tell(core, student)
    for other in (make_person("student"), admin):
        assert other.client.get(INBOX).json["items"] == []
        other.client.get(f"{INBOX}/{theirs}", status=404)
        other.client.post_json(f"{INBOX}/{theirs}/read", {}, status=404)
        assert other.client.post_json(f"{INBOX}/read-all", {}).json == {"marked": 0}
    app.get(INBOX, status=401)
    app.get(f"{INBOX}/{theirs}", status=401)
    app.post_json(f"{INBOX}/{theirs}/read", {}, status=401)
    student.client.get(f"{INBOX}/no-id", status=404)
    assert student.client.get(f"{INBOX}/{theirs}").json["readAt"] is None
