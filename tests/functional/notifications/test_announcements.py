"""Who is told of an announcement, how, in which words, and only once."""

import datetime as dt
import email
import email.policy
import uuid

import pytest
from sqlalchemy import event, func, insert, select, text, update
from sqlalchemy.exc import OperationalError

from lms_core.courses.announcements import queries as announcements
from lms_core.courses.announcements.events import AnnouncementPublished
from lms_core.courses.models import Announcement
from lms_core.enrollment.models import Enrollment
from lms_core.kernel.delivery import deliver as deliver_to
from lms_core.kernel.events import publish
from lms_core.kernel.models import Outbox
from lms_core.notifications import queries
from lms_core.notifications.events import AnnouncementToldInPart
from lms_core.notifications.models import Notification, NotificationPreference
from lms_core.testing.courses import make_course

INBOX = "/api/v1/notifications"
NEWS = {"title": "Exam moved", "content": "<p>To <b>Friday</b> &amp; room 7.</p><ul><li>Bring a pen</li></ul>"}


@pytest.fixture
def course(core, instructor, student):
    made = make_course(core, instructor.id, title="Bread & wine")
    enroll(student, made)
    return made


@pytest.fixture
def write(instructor, course, deliver):
    """``write(priority="high")``: an announcement of the owner, and whoever is to be told is."""
    deliver()

    def write(**values):
        url = f"/api/v1/courses/{course.id}/announcements"
        made = instructor.client.post_json(url, {**NEWS, **values}, status=201).json
        deliver()
        return made

    return write


def enroll(person, course):
    person.client.post_json("/api/v1/enrollments", {"courseId": str(course.id)}, status=201)


def news(person):
    items = person.client.get(f"{INBOX}?limit=100").json["items"]
    return [each for each in items if each["type"] == "new_announcement"]


def mails(core):
    paths = sorted((core.settings.data / "mail").glob("*.eml"))
    found = [email.message_from_bytes(path.read_bytes(), policy=email.policy.default) for path in paths]
    return [mail for mail in found if "Exam moved" in mail["Subject"]]


def test_a_student_is_told_in_the_inbox(core, student, instructor, make_person, write, course):
    made = write(expiresAt=(dt.datetime.now(dt.UTC) + dt.timedelta(days=1)).isoformat())
    [told] = news(student)
    assert (told["title"], told["message"]) == ("Exam moved", "Announcement in Bread & wine")
    assert told["priority"] == "normal"
    assert told["actionUrl"] == f"/courses/{course.id}/announcements/{made['id']}"
    assert told["data"] == {"courseId": str(course.id), "courseTitle": "Bread & wine", "announcementId": made["id"]}
    assert mails(core) == []
    assert news(instructor) == [], "the author knows"
    assert news(make_person()) == []
    with core.transaction() as db:
        expiring = db.scalars(select(Notification.expires_at).where(Notification.type == "new_announcement")).all()
        assert [moment is not None for moment in expiring] == [True], "it goes with what it is about"


@pytest.mark.parametrize("priority", ["low", "normal", "high", "urgent"])
def test_what_is_urgent_comes_by_mail_too(core, student, write, course, priority):
    made = write(priority=priority)
    assert [each["priority"] for each in news(student)] == [priority]
    sent = mails(core)
    assert [mail["To"] for mail in sent] == ([student.email] if priority in ("high", "urgent") else [])
    for mail in sent:
        assert mail["Subject"] == "Bread & wine: Exam moved"
        plain = mail.get_body(("plain",)).get_content()
        assert "To Friday & room 7.\nBring a pen" in plain
        assert f"http://localhost/courses/{course.id}/announcements/{made['id']}" in plain
        page = mail.get_body(("html",)).get_content()
        assert "<p>To Friday &amp; room 7.</p>" in page
        assert "Bread &amp; wine" in page


@pytest.mark.parametrize("wish", [{"email_enabled": False}, {"preferences": {"new_announcement": False}}])
def test_who_wants_no_mail_gets_none(core, student, make_person, write, course, wish):
    other = make_person()
    enroll(other, course)
    with core.transaction() as db:
        db.execute(insert(NotificationPreference).values(user_id=student.id, **wish))
    write(priority="urgent")
    assert [mail["To"] for mail in mails(core)] == [other.email]
    assert len(news(student)) == 1


def test_only_who_is_addressed_is_told(core, instructor, student, make_person, write, course, deliver):
    chosen, helper, barred, gone, suspended = (make_person() for _ in range(5))
    for person in (chosen, gone, suspended):
        enroll(person, course)
    for person, permissions in ((helper, {}), (barred, {"courses:read": False})):
        body = {"userId": str(person.id), "role": "teaching_assistant", "permissions": permissions}
        instructor.client.post_json(f"/api/v1/courses/{course.id}/staff", body, status=201)
    with core.transaction() as db:
        db.execute(update(Enrollment).where(Enrollment.user_id == gone.id).values(status="dropped"))
        db.execute(text("UPDATE users SET suspended_at = now() WHERE id = :id"), {"id": suspended.id})
    write(title="all")
    write(title="students", targetAudience={"groups": ["students"]})
    write(title="staff", targetAudience={"groups": ["staff"]})
    write(title="chosen", targetAudience={"users": [str(chosen.id), str(helper.id)]})
    write(title="both", targetAudience={"groups": ["staff"], "users": [str(chosen.id)]})
    told = {name: {each["title"] for each in news(person)}
            for name, person in {"student": student, "chosen": chosen, "helper": helper}.items()}  # fmt: skip
    assert told == {
        "student": {"all", "students"},
        "chosen": {"all", "students", "chosen", "both"},
        "helper": {"all", "staff", "chosen", "both"},
    }
    assert news(barred) == news(gone) == []
    with core.reader() as db:
        of_suspended = select(func.count()).where(Notification.user_id == suspended.id)
        assert db.scalar(of_suspended.where(Notification.type == "new_announcement")) == 0


def test_each_is_told_in_their_language_and_the_title_is_the_authors(core, make_person, write, course):
    people = [make_person(preferred_language=tag) for tag in ("de", "de-AT", "en", "fr")]
    for person in people:
        enroll(person, course)
    write(title="Not found")
    told = [news(person)[0] for person in people]
    german, english = "Ankündigung in Bread & wine", "Announcement in Bread & wine"
    assert [each["message"] for each in told] == [german, german, english, english]
    assert {each["title"] for each in told} == {"Not found"}, "what an author wrote is not ours to translate"


def test_a_redelivery_tells_nobody_anew(core, registry, student, write):
    write(priority="urgent")
    with core.reader() as db:
        events = db.scalars(select(Outbox.event_id).where(Outbox.name == AnnouncementPublished.name)).all()
    deliver_to(registry, "notifications.announcement", events, again=True)
    assert (len(news(student)), len(mails(core))) == (1, 1)


def test_what_is_taken_back_before_is_not_told(core, instructor, student, course, deliver):
    deliver()
    url = f"/api/v1/courses/{course.id}/announcements"
    kept, deleted = (instructor.client.post_json(url, NEWS, status=201).json for _ in range(2))
    instructor.client.put_json(f"/api/v1/announcements/{kept['id']}", {"isPublished": False})
    instructor.client.delete(f"/api/v1/announcements/{deleted['id']}")
    deliver()
    assert news(student) == []


def test_what_is_deleted_takes_along_what_nobody_read(core, instructor, student, make_person, write, course, deliver):
    reader = make_person()
    enroll(reader, course)
    gone, kept = write(title="Gone"), write(title="Kept")
    [mine] = [each for each in news(reader) if each["title"] == "Gone"]
    reader.client.post_json(f"{INBOX}/{mine['id']}/read")
    instructor.client.delete(f"/api/v1/announcements/{gone['id']}")
    deliver()
    assert [each["title"] for each in news(student)] == ["Kept"]
    assert {each["title"] for each in news(reader)} == {"Gone", "Kept"}, "what was read is history"
    with core.reader() as db:
        assert db.scalar(select(func.count()).where(Notification.type == "new_announcement")) == 3
    instructor.client.delete(f"/api/v1/announcements/{kept['id']}")
    deliver()
    assert news(student) == []


def test_what_is_taken_back_is_hidden_until_it_is_put_back(instructor, student, write, deliver):
    made = write()
    url = f"/api/v1/announcements/{made['id']}"
    for published, seen in ((False, 0), (True, 1), (False, 0)):
        instructor.client.put_json(url, {"isPublished": published})
        deliver()
        assert len(news(student)) == seen
    instructor.client.put_json(url, {"isPublished": True, "title": "Again"})
    instructor.client.put_json(url, {"isPublished": False})
    deliver()
    assert news(student) == [], "what counts is what has become of it"


def test_another_end_is_the_notifications_too(core, instructor, student, write, deliver):
    made = write()
    url = f"/api/v1/announcements/{made['id']}"
    ends = (dt.datetime.now(dt.UTC) + dt.timedelta(days=1)).isoformat()
    for until in (ends, None):
        instructor.client.put_json(url, {"expiresAt": until})
        deliver()
        with core.reader() as db:
            [ending] = db.scalars(select(Notification.expires_at).where(Notification.type == "new_announcement"))
        assert (ending.isoformat() if ending else None) == until
    before = deliver()
    instructor.client.put_json(url, {"title": "Other words", "expiresAt": None})
    assert (before, deliver()) == (0, 0), "nothing that matters here has changed"


@pytest.mark.parametrize("weak", [True, False])
def test_nobody_takes_back_or_deletes_what_people_are_being_told_of(core, write, weak):
    """They wait, and so the notifications that they take along are all there are."""
    made = write()
    changing = select(Announcement.id).where(Announcement.id == made["id"]).with_for_update(nowait=True, key_share=weak)
    with core.transaction() as telling:
        assert announcements.to_tell(telling, made["id"]) is not None
        with pytest.raises(OperationalError, match="could not obtain lock"), core.transaction() as db:
            db.execute(changing)


FILL = (
    """
    INSERT INTO users (email, email_verified_at, password_hash, first_name, last_name, preferred_language)
    SELECT 's' || n || '@many.example', now(), 'x', 'S', n::text, CASE n % 2 WHEN 0 THEN 'de' ELSE 'en' END
    FROM generate_series(1, 2500) AS n
    """,
    "INSERT INTO enrollments (user_id, course_id) SELECT id, :course FROM users WHERE email LIKE 's%@many.example'",
)


@pytest.fixture
def crowd(core, course):
    with core.transaction() as db:
        for statement in FILL:
            db.execute(text(statement), {"course": course.id})
    return 2501


def test_a_crowd_is_told_in_parts_and_each_once(core, registry, crowd, write, statements):
    with statements() as seen:
        made = write()
    written = [each for each in seen.texts if "INSERT INTO notifications" in each]
    assert len(written) == 3, "two whole parts and a rest"
    with core.reader() as db:
        of_this = Notification.data["announcementId"].astext == made["id"]
        told = select(func.count(), func.count(Notification.user_id.distinct())).where(of_this)
        assert tuple(db.execute(told).one()) == (crowd, crowd)
        parts = db.execute(select(Outbox.event_id).where(Outbox.name == AnnouncementToldInPart.name)).scalars().all()
        assert len(parts) == 2
    deliver_to(registry, "notifications.announcement_rest", parts, again=True)
    with core.reader() as db:
        assert tuple(db.execute(told).one()) == (crowd, crowd)


def test_a_part_that_fails_is_told_again_and_whole(core, crowd, write, deliver):
    failures = iter([RuntimeError("the network went away")])

    def fail_once(_connection, _cursor, statement, *_rest):
        for failure in failures if "INSERT INTO notifications" in statement else ():
            raise failure

    event.listen(core.engine, "after_cursor_execute", fail_once)
    write()
    event.remove(core.engine, "after_cursor_execute", fail_once)
    told = select(func.count()).where(Notification.type == "new_announcement")
    with core.transaction() as db:
        assert db.scalar(told) == 0
        db.execute(text("UPDATE delivery_failures SET retry_at = now() - interval '1 s'"))
        db.execute(text("UPDATE outbox SET lease_until = now() - interval '1 s' WHERE lease_until IS NOT NULL"))
    deliver()
    with core.reader() as db:
        assert db.scalar(told) == crowd


def test_an_announcement_of_nobody_is_no_error(core, deliver):
    with core.transaction() as db:
        publish(db, AnnouncementPublished(uuid.uuid4(), uuid.uuid4(), uuid.uuid4(), "Gone", "normal"))
    assert deliver() == 1
    with core.reader() as db:
        assert db.scalar(select(func.count()).select_from(Announcement)) == 0


def test_a_crowd_is_followed_in_parts(core, instructor, crowd, write, deliver, statements):
    made = write()
    instructor.client.delete(f"/api/v1/announcements/{made['id']}")
    with statements() as seen:
        deliver()
    assert len([each for each in seen.texts if "DELETE FROM notifications" in each]) == 3, "two whole parts and a rest"
    with core.reader() as db:
        assert db.scalar(select(func.count()).where(Notification.type == "new_announcement")) == 0


def test_the_notifications_of_an_announcement_are_found_by_their_index(core):
    about = select(Notification.id).where(queries.unread_of_announcement(uuid.uuid4()))
    statement = about.compile(core.engine, compile_kwargs={"literal_binds": True})
    with core.transaction() as db:
        db.execute(text("SET LOCAL enable_seqscan = off"))
        plan = "\n".join(db.connection().exec_driver_sql(f"EXPLAIN {statement}").scalars())
    assert "ix_notifications_announcement" in plan
