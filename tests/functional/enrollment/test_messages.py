"""Writing to many students: whom it reaches and whom not, once each, in which words, and who may."""

import email
import email.policy
import uuid

import pytest
from sqlalchemy import delete, event, func, insert, select, update

from lms_core.accounts.models import User
from lms_core.enrollment.models import Enrollment
from lms_core.enrollment.rosters import service
from lms_core.enrollment.rosters.events import StudentsMessaged
from lms_core.kernel.models import AuditLog, DeliveryFailure, Outbox
from lms_core.notifications.models import Notification, NotificationPreference
from lms_core.testing.courses import make_course

KIND = "course_message"
WORDS = {"subject": "We miss you", "body": "Shall we talk?\n\n<b>Ada</b> & I are there on Friday."}


@pytest.fixture
def url(course):
    return f"/api/v1/courses/{course.id}/enrollments"


@pytest.fixture
def send(instructor, url, deliver):
    """``send({"ids": [...]})`` writes to them, and whoever is to be told is."""

    def send(chosen, **words):
        done = instructor.client.post_json(f"{url}/message", {**chosen, **WORDS, **words}).json
        deliver()
        return done

    return send


def inbox(person):
    return [each for each in person.client.get("/api/v1/notifications").json["items"] if each["type"] == KIND]


def mails(core, subject="We miss you"):
    paths = sorted((core.settings.data / "mail").glob("*.eml"))
    found = [email.message_from_bytes(path.read_bytes(), policy=email.policy.default) for path in paths]
    return [mail for mail in found if subject in mail["Subject"]]


def told(core):
    with core.reader() as db:
        counted = select(func.count()).where(Notification.type == KIND)
        return db.scalar(counted), db.scalar(select(func.count(func.distinct(Notification.user_id))).where(
            Notification.type == KIND))  # fmt: skip


def test_those_named_get_it_in_the_inbox_and_by_mail(core, instructor, make_person, take, send, course):
    people = [make_person() for _number in range(3)]
    ids = [take(person).rpartition("/")[2] for person in people]
    with core.reader() as db:
        sender = db.execute(select(User.first_name, User.last_name).where(User.id == instructor.id)).one()
    done = send({"ids": ids[:2]})
    assert done == {"recipients": 2, "skipped": []}
    [one] = inbox(people[0])
    assert (one["title"], one["message"]) == (WORDS["subject"], WORDS["body"])
    assert one["actionUrl"] == f"/courses/{course.id}"
    assert one["data"]["senderName"] == " ".join(sender)
    assert inbox(people[2]) == inbox(instructor) == []
    sent = mails(core)
    assert sorted(str(mail["To"]) for mail in sent) == sorted(person.email for person in people[:2])
    plain = sent[0].get_body(["plain"]).get_content()
    html = sent[0].get_body(["html"]).get_content()
    assert WORDS["body"] in plain
    assert "&lt;b&gt;Ada&lt;/b&gt; &amp; I are" in html
    assert "<b>" not in html


def test_no_address_is_shown(core, instructor, make_person, take, send):
    people = [make_person() for _number in range(2)]
    ids = [take(person).rpartition("/")[2] for person in people]
    send({"ids": ids})
    for mail in mails(core):
        assert instructor.email not in mail.as_string()
        assert sum(person.email in mail.as_string() for person in people) == 1, "the receiver's own, and nobody else's"
        assert mail["Reply-To"] is None
    assert instructor.email not in str(inbox(people[0]))


def test_a_filter_reaches_all_that_it_finds_however_many(core, make_person, take, send, monkeypatch):
    monkeypatch.setattr(service, "AT_ONCE", 2)
    people = [make_person() for _number in range(5)]
    for person in people:
        take(person)
    with core.transaction() as db:
        active = update(Enrollment).where(Enrollment.user_id == people[0].id)
        db.execute(active.values(last_accessed_at=func.now()))
        db.execute(update(Enrollment).values(enrolled_at=func.now() - func.make_interval(0, 1)))
    with core.reader() as db:
        since = db.scalar(select(func.now() - func.make_interval(0, 0, 0, 1))).isoformat()
    assert send({"filter": {"inactiveSince": since}}) == {"recipients": 4, "skipped": []}
    with core.reader() as db:
        parts = db.scalars(select(Outbox.payload).where(Outbox.name == StudentsMessaged.name)).all()
    assert sorted(len(part["people"]) for part in parts) == [2, 2]
    assert told(core) == (4, 4)
    assert inbox(people[0]) == []
    assert len(mails(core)) == 4
    assert send({"filter": {"minProgress": 100}})["recipients"] == 0
    assert told(core) == (4, 4)


def test_who_left_or_is_elsewhere_or_suspended_gets_none(core, instructor, make_person, take, send, url):
    left, paused, gone, barred, there = (make_person() for _number in range(5))
    ids = {person: take(person).rpartition("/")[2] for person in (left, paused, gone, barred, there)}
    other = make_course(core, instructor.id)
    elsewhere = there.client.post_json("/api/v1/enrollments", {"courseId": str(other.id)}, status=201).json["id"]
    left.client.post_json(f"/api/v1/enrollments/{ids[left]}/drop", {})
    instructor.client.post_json(f"/api/v1/enrollments/{ids[paused]}/suspend", {})
    with core.transaction() as db:
        db.execute(update(User).where(User.id == gone.id).values(deleted_at=func.now()))
        db.execute(update(User).where(User.id == barred.id).values(suspended_at=func.now()))
    nobody = str(uuid.uuid4())
    done = send({"ids": [*ids.values(), elsewhere, nobody]})
    assert done["recipients"] == 2
    assert {each["id"]: each["code"] for each in done["skipped"]} == {
        ids[left]: "enrollment_dropped", ids[gone]: "enrollment_unknown", ids[barred]: "account_suspended",
        elsewhere: "enrollment_unknown", nobody: "enrollment_unknown",
    }  # fmt: skip
    assert len(inbox(paused)) == len(inbox(there)) == 1
    assert send({"filter": {}})["recipients"] == 2
    assert send({"filter": {"status": ["dropped"]}})["recipients"] == 0
    assert told(core) == (4, 2)


def test_who_declines_such_mails_finds_it_in_the_inbox(core, make_person, take, send):
    people = [make_person() for _number in range(3)]
    for person in people:
        take(person)
    with core.transaction() as db:
        db.execute(insert(NotificationPreference).values(user_id=people[0].id, preferences={KIND: False}))
        db.execute(insert(NotificationPreference).values(user_id=people[1].id, email_enabled=False))
    assert send({"filter": {}})["recipients"] == 3
    assert [str(mail["To"]) for mail in mails(core)] == [people[2].email]
    assert told(core) == (3, 3)


def test_it_speaks_german_around_the_words(core, student, take, send):
    take(student)
    with core.transaction() as db:
        db.execute(update(User).where(User.id == student.id).values(preferred_language="de-AT"))
    send({"filter": {}}, subject="Welcome", body="Your account is ready.")
    [one] = inbox(student)
    assert (one["title"], one["message"]) == ("Welcome", "Your account is ready."), "somebody's words are left alone"
    [mail] = mails(core, "Welcome")
    assert "schreibt" in mail.get_body(["plain"]).get_content()


def test_a_delivery_that_fails_or_comes_twice_tells_nobody_twice(core, make_person, take, instructor, url, deliver):
    for _number in range(3):
        take(make_person())
    deliver()
    instructor.client.post_json(f"{url}/message", {"filter": {}, **WORDS})
    failures = []

    def fail(_connection, _cursor, statement, *_more):
        if "INSERT INTO notifications" in statement and not failures:
            failures.append(statement)
            raise RuntimeError("the disk is full")

    event.listen(core.engine, "after_cursor_execute", fail)
    deliver()
    event.remove(core.engine, "after_cursor_execute", fail)
    assert len(failures) == 1
    assert told(core) == (0, 0)
    for anew in ({}, {"finished_at": None}):
        with core.transaction() as db:
            db.execute(update(Outbox).values(lease_until=None, **anew))
            db.execute(delete(DeliveryFailure))
        deliver()
    assert told(core) == (3, 3)
    assert len(mails(core)) == 3


def test_the_same_key_sends_once(core, instructor, student, take, url, deliver):
    take(student)
    body, headers = {"filter": {}, **WORDS}, {"Idempotency-Key": "one"}
    answers = [instructor.client.post_json(f"{url}/message", body, headers=headers).json for _number in range(2)]
    assert answers == [{"recipients": 1, "skipped": []}] * 2
    deliver()
    assert told(core) == (1, 1)


def test_who_may_not_write(app, core, student, make_person, assist, take, url, admin, deliver):
    body = {"ids": [take(student).rpartition("/")[2]], **WORDS}
    app.post_json(f"{url}/message", body, status=401)
    for person in (student, make_person(), make_person("instructor"), assist(), barred := assist(
        "co_instructor", rosters_message=False)):  # fmt: skip
        person.client.post_json(f"{url}/message", body, status=403)
    barred.client.get(url)
    deliver()
    assert told(core) == (0, 0)
    for person in (admin, assist("co_instructor"), assist(rosters_message=True)):
        person.client.post_json(f"{url}/message", body)
    deliver()
    assert told(core) == (3, 1)


def test_a_filter_finds_by_address_only_for_who_may_see_it(instructor, assist, student, take, url):
    take(student)
    blind = assist("co_instructor", rosters_contact=False)
    needle = {"filter": {"search": student.email.split("@")[0]}, **WORDS}
    assert blind.client.post_json(f"{url}/message", needle).json["recipients"] == 0
    assert instructor.client.post_json(f"{url}/message", needle).json["recipients"] == 1


def test_what_was_written_is_kept(core, instructor, student, take, url):
    take(student)
    instructor.client.post_json(f"{url}/message", {"filter": {"status": ["active"]}, **WORDS})
    with core.reader() as db:
        kept = db.execute(select(AuditLog.user_id, AuditLog.new_values).where(AuditLog.action == "rosters.message"))
        assert kept.all() == [(instructor.id, {"filter": {"status": ["active"]}, "recipients": 1, **WORDS})]


@pytest.mark.parametrize(
    "change",
    [
        {"subject": ""}, {"subject": "x" * 151}, {"subject": "a\nBcc: all@example.org"}, {"subject": "a\u202eb"},
        {"body": " "}, {"body": "x" * 5001}, {"body": "a\x00b"}, {"body": "a\x1bb"}, {"subject": None}, {"body": 1},
        {"filter": None}, {"ids": [str(uuid.uuid4())]}, {"filter": {"status": ["gone"]}}, {"html": "<p>"},
    ],
)  # fmt: skip
def test_what_is_no_message_is_refused(core, instructor, student, take, url, change):
    take(student)
    refused = instructor.client.post_json(f"{url}/message", {"filter": {}, **WORDS, **change}, status=422).json
    assert refused["code"] == "invalid"
    with core.reader() as db:
        assert db.scalar(select(func.count()).where(Outbox.name == StudentsMessaged.name)) == 0


def test_writing_is_limited(make_app, instructor, url):
    limited = make_app(lms__ratelimit__enabled=True, lms__ratelimit__message_account="2/hour")
    client = limited.bearer(instructor.client.authorization[1])
    for _number in range(2):
        client.post_json(f"{url}/message", {"filter": {}, **WORDS})
    refused = client.post_json(f"{url}/message", {"filter": {}, **WORDS}, status=429).json
    assert refused["code"] == "too_many_requests"
