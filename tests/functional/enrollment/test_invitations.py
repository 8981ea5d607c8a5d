"""Invitations by e-mail: sent, listed, sent again and revoked by staff, accepted and declined by who was invited."""

import datetime as dt
import email
import email.policy
import re
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import func, select, update

from lms_core.accounts.models import User
from lms_core.enrollment.models import Enrollment, Invitation
from lms_core.kernel.models import AuditLog, Outbox
from lms_core.testing.courses import make_course

ENROLLMENTS = "/api/v1/enrollments"
INVITATIONS = "/api/v1/invitations"
MINE = "/api/v1/users/me/invitations"


@pytest.fixture
def course(core, instructor):
    return make_course(core, instructor.id, title="Pottery & Glaze", enrollment_type="invite", price=10)


@pytest.fixture
def url(course):
    return f"/api/v1/courses/{course.id}/invitations"


@pytest.fixture
def invite(instructor, url):
    def invite(*emails, **more):
        return instructor.client.post_json(url, {"emails": list(emails), **more}).json["items"]

    return invite


@pytest.fixture
def join(course):
    def join(person, status=201, **more):
        client = person.client.bearer(person.client.authorization[1])
        return client.post_json(ENROLLMENTS, {"courseId": str(course.id), **more}, status=status).json

    return join


@pytest.fixture
def mailed(core, deliver):
    """``mailed()`` -> the mails sent since it was last asked, the oldest first, once all that is due was delivered."""
    known = set()

    def mailed():
        deliver()
        paths = [path for path in (core.settings.data / "mail").glob("*.eml") if path not in known]
        known.update(paths)
        paths.sort(key=lambda path: path.stat().st_mtime_ns)
        return [email.message_from_bytes(path.read_bytes(), policy=email.policy.default) for path in paths]

    return mailed


def token_in(mail):
    return re.search(r"/invitation\?token=(\S+)", mail.get_body(("plain",)).get_content())[1]


def outcomes(answer):
    return [each["outcome"] for each in answer]


def states(core):
    with core.reader() as db:
        return dict(db.execute(select(Invitation.email, Invitation.status)).all())


def test_who_is_invited_joins(invite, join, student, make_person, mailed, instructor, url, core, statements):
    other = make_person("student")
    assert join(student, 409)["code"] == "invitation_required"
    made = invite(student.email.upper(), "new@example.org", message="Welcome!\nSee <you> soon.")
    assert outcomes(made) == ["invited", "invited"]
    mails = {mail["To"].lower(): mail for mail in mailed()}
    assert set(mails) == {student.email.lower(), "new@example.org"}
    text = mails["new@example.org"].get_body(("plain",)).get_content()
    assert "Pottery & Glaze" in text
    assert "Welcome!\nSee <you> soon." in text
    assert "See &lt;you&gt; soon." in mails["new@example.org"].get_body(("html",)).get_content()
    with statements() as seen:
        listed = student.client.get(MINE).json["items"]
    assert seen.count <= 4, seen
    assert [(each["course"]["title"], each["status"], each["message"]) for each in listed] == [
        ("Pottery & Glaze", "pending", "Welcome!\nSee <you> soon.")
    ]
    assert other.client.get(MINE).json["items"] == []
    join(student)
    assert student.client.get(MINE).json["items"] == []
    assert join(other, 409)["code"] == "invitation_required"
    with statements() as seen:
        rows = instructor.client.get(url).json["items"]
    assert seen.count <= 4, seen
    assert {each["email"].lower(): (each["status"], each["userId"]) for each in rows} == {
        student.email.lower(): ("accepted", str(student.id)), "new@example.org": ("pending", None),
    }  # fmt: skip
    with core.reader() as db:
        assert db.scalar(select(Enrollment.extra)) == {"admission": {"method": "invite"}}


def test_a_forwarded_link_lets_nobody_in(invite, join, student, make_person, mailed, core):
    invite(student.email)
    [mail] = mailed()
    token, other = token_in(mail), make_person("student")
    refused = join(other, 422, token=token)
    assert (refused["code"], list(refused["errors"])) == ("invitation_of_another", ["token"])
    assert student.email not in str(refused)
    assert join(other, 422, token="made-up")["code"] == "invitation_unknown"
    assert states(core) == {student.email: "pending"}
    join(student, token=token)


def test_an_address_counts_once_it_is_verified(invite, join, make_person, core):
    person = make_person("student")
    invite(person.email)
    with core.transaction() as db:
        db.execute(update(User).where(User.id == person.id).values(email_verified_at=None))
    assert person.client.get(MINE).json["items"] == []
    assert join(person, 409)["code"] == "invitation_required"
    with core.transaction() as db:
        db.execute(update(User).where(User.id == person.id).values(email_verified_at=core.clock()))
    assert len(person.client.get(MINE).json["items"]) == 1
    join(person)


def test_who_registers_finds_the_invitation_waiting(invite, join, app, mailed, course):
    invite("new@example.org")
    mailed()
    body = {"email": "New@Example.org", "password": "Quite-a-long-one-1", "firstName": "N", "lastName": "W"}
    app.post_json("/api/v1/auth/register", body, status=201)
    [mail] = mailed()
    token = re.search(r"verify-email\?token=(\S+)", mail.get_body(("plain",)).get_content())[1]
    app.post_json("/api/v1/auth/verify-email", {"token": token})
    signed_in = app.post_json("/api/v1/auth/login", {"email": body["email"], "password": body["password"]}).json
    caller = app.bearer(signed_in["accessToken"])
    assert [each["course"]["id"] for each in caller.get(MINE).json["items"]] == [str(course.id)]
    caller.post_json(ENROLLMENTS, {"courseId": str(course.id)}, status=201)


def test_what_becomes_of_each_address(invite, join, student, make_person, mailed, core, instructor):
    invite("pending@example.org", "declined@example.org", student.email)
    [declined] = [each for each in mailed() if each["To"] == "declined@example.org"]
    instructor.client.post_json(f"{INVITATIONS}/decline", {"token": token_in(declined)})
    join(student)
    mailed()
    answer = invite("Pending@example.org", "declined@example.org", student.email, "no address", "a@b",
                    "fresh@example.org", "FRESH@example.org", "ü@example.org", "x@bücher.example")  # fmt: skip
    assert outcomes(answer) == [
        "already_invited", "declined", "already_enrolled", "invalid", "invalid", "invited", "named_twice", "invalid",
        "invited",
    ]  # fmt: skip
    assert sorted(mail["To"] for mail in mailed()) == ["fresh@example.org", "x@xn--bcher-kva.example"]
    with core.reader() as db:
        assert db.scalar(select(func.count()).select_from(Invitation)) == 5
        kept = db.scalars(select(AuditLog.new_values).where(AuditLog.action == "invitations.create")).all()
    assert "@" not in str(kept)


@pytest.mark.parametrize("step", ["later", "suspended"])
def test_who_is_enrolled_though_not_in_is_not_invited(invite, make_person, instructor, course, step):
    person, mine = make_person("student"), "/api/v1/users/me/invitations"
    invite(person.email)
    assert len(person.client.get(mine).json["items"]) == 1
    named = {"userId": str(person.id)}
    body = {"students": [{**named, "startsAt": "2998-01-01T00:00:00Z"} if step == "later" else named]}
    bulk = f"/api/v1/courses/{course.id}/enrollments/bulk"
    [made] = instructor.client.post_json(bulk, body).json["results"]
    if step == "suspended":
        instructor.client.post_json(f"/api/v1/enrollments/{made['enrollmentId']}/suspend", {})
    assert person.client.get(mine).json["items"] == []
    assert outcomes(invite(person.email)) == ["already_enrolled"]


def test_staff_do_not_learn_who_has_an_account(invite, make_person, instructor, url):
    person = make_person("student")
    known, unknown = invite(person.email, "nobody@example.org")
    assert {key for key in known if known[key] != unknown[key]} == {"email", "id"}
    first, second = instructor.client.get(url).json["items"]
    assert {key for key in first if first[key] != second[key]} <= {"email", "id", "createdAt", "sentAt", "expiresAt"}


def test_links_rest_as_hashes_and_open_for_anybody(invite, mailed, app, student, core):
    invite("robin@example.org")
    [mail] = mailed()
    token = token_in(mail)
    with core.reader() as db:
        kept = [db.scalars(select(column)).all() for column in (Outbox.payload, Invitation.token_hash)]
    assert token not in str(kept)
    shown = app.post_json(f"{INVITATIONS}/open", {"token": token}).json
    assert (shown["email"], shown["status"], shown["course"]["title"]) == (
        "robin@example.org", "pending", "Pottery & Glaze",
    )  # fmt: skip
    assert "sentCount" not in shown
    page = app.get(f"/invitation?token={token}")
    assert "Pottery &amp; Glaze" in page.text
    assert states(core) == {"robin@example.org": "pending"}, "to open a link changes nothing"
    assert "declined" in app.post("/invitation", {"token": token}).text
    assert states(core) == {"robin@example.org": "declined"}
    for bad in ("", "x", "x" * 500, "%C3%BC"):
        app.get(f"/invitation?token={bad}", status=422)
    app.post("/invitation", {"token": "x"}, status=422)
    app.post_json(f"{INVITATIONS}/open", {"token": "x"}, status=422)
    app.post_json(f"{INVITATIONS}/decline", {"token": "x"}, status=422)


def test_who_has_declined_may_think_better_of_it(invite, join, student, make_person, instructor):
    [made] = invite(student.email)
    item = f"{INVITATIONS}/{made['id']}"
    for caller in (make_person("student"), make_person("instructor")):
        caller.client.post_json(f"{item}/decline", {}, status=404)
    instructor.client.post_json(f"{item}/decline", {}, status=403)
    assert student.client.post_json(f"{item}/decline", {}).json["status"] == "declined"
    assert instructor.client.post_json(f"{item}/send", {}, status=409).json["code"] == "invitation_declined"
    assert [each["status"] for each in student.client.get(MINE).json["items"]] == ["declined"]
    join(student)
    assert student.client.post_json(f"{item}/decline", {}, status=409).json["code"] == "invitation_accepted"


def test_what_is_revoked_or_over_lets_nobody_in(invite, join, student, make_person, instructor, core, mailed):
    [made] = invite(student.email)
    item = f"{INVITATIONS}/{made['id']}"
    instructor.client.delete(item, status=204)
    instructor.client.delete(item, status=204)
    assert student.client.get(MINE).json["items"] == []
    assert join(student, 409)["code"] == "invitation_revoked"
    assert instructor.client.post_json(f"{item}/send", {}, status=409).json["code"] == "invitation_revoked"
    assert outcomes(invite(student.email)) == ["invited"], "it can be given again"
    past = core.clock() - dt.timedelta(hours=3)
    with core.transaction() as db:
        db.execute(update(Invitation).values(expires_at=past, sent_at=past))
    assert instructor.client.get(item).json["status"] == "expired"
    assert student.client.get(MINE).json["items"] == []
    assert join(student, 409)["code"] == "invitation_expired"
    mailed()
    again = instructor.client.post_json(f"{item}/send", {}).json
    assert (again["status"], again["sentCount"]) == ("pending", 3)
    assert len(mailed()) == 1
    refused = instructor.client.post_json(f"{item}/send", {}, status=429)
    assert 0 < int(refused.headers["Retry-After"]) <= 3600
    assert mailed() == []
    join(student)
    instructor.client.delete(item, status=204)
    with core.reader() as db:
        assert db.scalar(select(Enrollment.status)) == "active", "who is in stays"


def test_who_left_may_come_back_until_it_is_revoked(invite, join, student, instructor, core, make_person):
    [made] = invite(student.email)
    enrollment = join(student)
    student.client.post_json(f"{ENROLLMENTS}/{enrollment['id']}/drop", {})
    assert join(student)["id"] == enrollment["id"]
    instructor.client.post_json(f"{ENROLLMENTS}/{enrollment['id']}/drop", {})
    instructor.client.delete(f"{INVITATIONS}/{made['id']}")
    assert join(student, 409)["code"] == "invitation_revoked"


def test_an_address_that_changes_hands_takes_no_accepted_invitation_along(invite, join, student, make_person, core):
    invite(student.email)
    join(student)
    other = make_person("student")
    with core.transaction() as db:
        db.execute(update(User).where(User.id == student.id).values(email="moved@example.org"))
        db.execute(update(User).where(User.id == other.id).values(email=student.email))
    assert join(other, 409)["code"] == "invitation_accepted"


def test_what_the_core_says_comes_first(invite, join, student, make_person, instructor, course, url, core):
    people = [make_person("student") for _person in range(3)]
    invite(*(person.email for person in people))
    item = f"/api/v1/courses/{course.id}"
    instructor.client.put_json(item, {"maxStudents": 1})
    join(people[0])
    assert join(people[1], 409)["code"] == "course_full"
    assert states(core)[people[1].email] == "pending"
    instructor.client.put_json(item, {"waitingList": True})
    assert join(student, 409)["code"] == "invitation_required"
    assert join(people[1], 202)["status"] == "waiting"
    instructor.client.put_json(item, {"enrollmentClosesAt": "2020-01-01T00:00:00Z"})
    assert join(people[2], 409)["code"] == "enrollment_closed"


def test_who_leaves_the_list_is_invited_still(invite, join, student, make_person, instructor, course, url, core):
    other = make_person("student")
    for person in (student, other):
        invite(person.email)
    instructor.client.put_json(f"/api/v1/courses/{course.id}", {"maxStudents": 1, "waitingList": True})
    join(other)
    for revoked in (False, True):
        wait = join(student, 202)
        assert states(core)[student.email] == "accepted"
        if revoked:
            [item] = instructor.client.get(url, {"search": student.email}).json["items"]
            instructor.client.delete(f"{INVITATIONS}/{item['id']}", status=204)
        student.client.delete(f"/api/v1/waits/{wait['id']}", status=204)
        assert states(core) == {student.email: "revoked" if revoked else "pending", other.email: "accepted"}


def test_invitations_only_where_they_are_good_for_something(invite, instructor, core, course):
    opened = make_course(core, instructor.id)
    drafted = make_course(core, instructor.id, enrollment_type="invite", published=False)
    body = {"emails": ["a@example.org"]}
    for made, code in ((opened, "invitations_unused"), (drafted, "course_not_published")):
        refused = instructor.client.post_json(f"/api/v1/courses/{made.id}/invitations", body, status=409)
        assert refused.json["code"] == code


def test_lists_are_searched_and_turned_over(invite, instructor, url):
    invite(*(f"person{number}@example.org" for number in range(7)), "a_b@example.org")
    page = instructor.client.get(url, {"limit": 3, "page": 2}).json
    assert (len(page["items"]), page["total"]) == (3, 8)
    assert [each["email"] for each in instructor.client.get(url, {"search": "SON3@"}).json["items"]] == [
        "person3@example.org"
    ]
    assert [each["email"] for each in instructor.client.get(url, {"search": "_"}).json["items"]] == ["a_b@example.org"]
    assert instructor.client.get(url, {"search": "%"}).json["items"] == []
    assert instructor.client.get(url, {"status": "accepted"}).json["items"] == []
    instructor.client.get(url, {"status": "lost"}, status=422)


def test_a_csv_names_whom_to_invite(instructor, url, core):
    csv = b"Name;E-Mail\r\nRobin;robin@example.org\r\nKim;\r\nKim;kim@example.org\r\n"
    answer = instructor.client.post(f"{url}/import?message=Hello", csv, content_type="text/csv").json["items"]
    assert outcomes(answer) == ["invited", "invalid", "invited"]
    with core.reader() as db:
        assert set(db.scalars(select(Invitation.message))) == {"Hello"}
    refused = instructor.client.post(f"{url}/import", b"name\nRobin", content_type="text/csv", status=422)
    assert refused.json["code"] == "csv_invalid"


def test_nobody_is_invited_by_id(instructor, student, url, core):
    """A list by ids is refused whole; where it has addresses too, those count."""
    by_id = f"userId\n{student.id}\n".encode()
    refused = instructor.client.post(f"{url}/import", by_id, content_type="text/csv", status=422).json
    assert (refused["code"], refused["detail"]) == ("csv_invalid", "The first line names no column “email”.")
    both = f"userId,email\n{student.id},{student.email}\nx,kim@example.org\n".encode()
    answer = instructor.client.post(f"{url}/import", both, content_type="text/csv").json["items"]
    assert [(each["email"], each["outcome"]) for each in answer] == [
        (student.email, "invited"), ("kim@example.org", "invited"),
    ]  # fmt: skip
    many = b"email\n" + b"".join(b"p%d@example.org\n" % number for number in range(501))
    refused = instructor.client.post(f"{url}/import", many, content_type="text/csv", status=422).json
    assert (refused["code"], refused["detail"]) == ("csv_invalid", "A list has 500 people at most.")


def test_an_invitation_shows_only_where_it_lets_in(invite, mailed, join, student, instructor, course, app):
    """Where the course is joined another way by now, nobody is promised what would be refused."""
    invite(student.email)
    [mail] = mailed()
    link = {"token": token_in(mail)}
    for kind, shown in (("open", 0), ("invite", 1)):
        instructor.client.put_json(f"/api/v1/courses/{course.id}", {"enrollmentType": kind, "price": "0"})
        assert student.client.get(MINE).json["total"] == shown
        for what in ("open", "decline"):
            answer = app.post_json(f"{INVITATIONS}/{what}", link, status="*")
            assert answer.json.get("code") == (None if shown else "invitation_unknown")
        app.get(f"/invitation?token={link['token']}", status=200 if shown else 422)


@pytest.mark.parametrize(
    "body",
    [
        {}, {"emails": []}, {"emails": ["a@example.org"] * 501}, {"emails": "a@example.org"},
        {"emails": ["x" * 300]}, {"emails": ["a\0@example.org"]}, {"emails": ["a@example.org"], "message": "x" * 1001},
        {"emails": ["a@example.org"], "expiresAt": "2020-01-01T00:00:00Z"},
        {"emails": ["a@example.org"], "expiresAt": "2999-01-01T00:00:00Z"},
        {"emails": ["a@example.org"], "role": "instructor"}, {"emails": [None]}, {"emails": [{}]},
    ],
    ids=lambda body: str(body)[:30],
)  # fmt: skip
def test_what_cannot_be_sent(instructor, url, body, core):
    assert instructor.client.post_json(url, body, status=422).json["code"] == "invalid"
    assert states(core) == {}


def test_who_may_invite(invite, url, student, make_person, instructor, app, admin, course):
    [made] = invite("robin@example.org")
    item, stranger = f"{INVITATIONS}/{made['id']}", make_person("instructor")
    for caller, status in ((student.client, 403), (stranger.client, 403), (app, 401)):
        caller.get(url, status=status)
        caller.post_json(url, {"emails": ["x@example.org"]}, status=status)
    for caller in (student.client, stranger.client, app):
        caller.get(item, status=404)
        caller.post_json(f"{item}/send", {}, status=404)
        caller.delete(item, status=404)
    app.get(MINE, status=401)
    assert admin.client.get(item).json["email"] == "robin@example.org"
    helper = make_person("student")
    for role, status in (("teaching_assistant", 403), ("co_instructor", 200)):
        staff = f"/api/v1/courses/{course.id}/staff"
        instructor.client.post_json(staff, {"userId": str(helper.id), "role": role, "permissions": {}})
        helper.client.get(url, status=status)
        instructor.client.delete(f"{staff}/{helper.id}")
    instructor.client.get(f"{INVITATIONS}/{uuid.uuid4()}", status=404)


def test_who_may_not_see_addresses_sees_no_invitation(invite, join, url, student, assist):
    """Of who has accepted one, it says who has the address."""
    [invited] = invite(student.email)
    join(student)
    barred, trusted = assist("co_instructor", rosters_contact=False), assist("co_instructor")
    one = f"{INVITATIONS}/{invited['id']}"
    assert trusted.client.get(one).json["userId"] == str(student.id)
    barred.client.get(one, status=404)
    barred.client.post_json(f"{one}/send", status=404)
    barred.client.delete(one, status=404)
    barred.client.get(url, {"search": student.email}, status=403)
    barred.client.post_json(url, {"emails": [student.email]}, status=403)
    barred.client.post(f"{url}/import", f"email\n{student.email}".encode(), content_type="text/csv", status=403)


def test_the_mail_speaks_the_language_of_who_gets_it(invite, make_person, mailed, core):
    person = make_person("student")
    with core.transaction() as db:
        db.execute(update(User).where(User.id == person.id).values(preferred_language="de"))
    invite(person.email)
    [mail] = mailed()
    assert mail["Subject"] == "Sie sind eingeladen: Pottery & Glaze"


def test_mailing_is_slowed_down(make_app, instructor, url):
    app = make_app(lms__ratelimit__enabled=True, lms__ratelimit__invitation_account="1/day",
                   lms__ratelimit__inviting_account="3/hour")  # fmt: skip
    caller = app.bearer(instructor.client.authorization[1])
    [made] = caller.post_json(url, {"emails": ["a@example.org"]}).json["items"]
    caller.delete(f"{INVITATIONS}/{made['id']}")
    assert outcomes(caller.post_json(url, {"emails": ["A@example.org", "b@example.org"]}).json["items"]) == [
        "too_many_requests", "invited",
    ]  # fmt: skip
    caller.post_json(url, {"emails": ["c@example.org"]})
    caller.post_json(url, {"emails": ["d@example.org"]}, status=429)


def test_a_hundred_are_invited_in_a_dozen_statements(invite, statements):
    with statements() as few:
        invite(*(f"few{number}@example.org" for number in range(2)))
    with statements() as many:
        invite(*(f"many{number}@example.org" for number in range(100)))
    assert many.count <= few.count + 2, many


def test_what_came_to_nothing_is_forgotten(invite, join, student, make_person, core, run_periodic):
    gone = make_person("student")
    invite("old@example.org", "young@example.org", student.email, gone.email)
    join(student)
    join(gone)
    long_ago = core.clock() - dt.timedelta(days=31)
    with core.transaction() as db:
        fresh = Invitation.email == "young@example.org"
        db.execute(update(Invitation).where(~fresh).values(expires_at=long_ago))
        db.execute(update(User).where(User.id == gone.id).values(deleted_at=core.clock()))
    run_periodic("enrollment.purge_invitations")
    assert states(core) == {"young@example.org": "pending", student.email: "accepted"}


def test_what_somebody_has_at_hand_is_forgotten_later(invite, core, run_periodic):
    """Forgetting waits for nobody, and nobody's renewal is lost to it."""
    invite("held@example.org", "old@example.org")
    with core.transaction() as db:
        db.execute(update(Invitation).values(expires_at=core.clock() - dt.timedelta(days=31)))
    with ThreadPoolExecutor(1) as pool, core.transaction() as db:
        held = db.scalars(select(Invitation).where(Invitation.email == "held@example.org").with_for_update()).one()
        pool.submit(run_periodic, "enrollment.purge_invitations").result(timeout=60)  # Else each waits for the other.
        held.expires_at = core.clock() + dt.timedelta(days=1)
    assert states(core) == {"held@example.org": "pending"}


def test_what_was_revoked_is_forgotten_from_then_on(invite, instructor, url, core, run_periodic):
    """Whenever it would have ended: 30 days after it was revoked, and not before."""
    now, day = core.clock(), dt.timedelta(days=1)
    invite("long@example.org", "lately@example.org", "declined@example.org")
    for each in instructor.client.get(url).json["items"]:
        instructor.client.delete(f"{INVITATIONS}/{each['id']}", status=204)
    cases = {
        "long@example.org": {"ended_at": now - 31 * day, "expires_at": now + 100 * day},
        "lately@example.org": {"ended_at": now - 29 * day, "expires_at": now - 60 * day},
        "declined@example.org": {"status": "declined", "ended_at": now - 31 * day, "expires_at": now + day},
    }
    with core.transaction() as db:
        for address, values in cases.items():
            db.execute(update(Invitation).where(Invitation.email == address).values(**values))
    run_periodic("enrollment.purge_invitations")
    assert states(core) == {"lately@example.org": "revoked", "declined@example.org": "declined"}


# Races.


def test_an_invitation_is_accepted_once_however_often_at_once(invite, join, student, mailed, core):
    invite(student.email)
    [mail] = mailed()
    token = token_in(mail)

    def attempt(number):
        return join(student, "*", **({"token": token} if number % 2 else {})).get("code", "in")

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(attempt, range(8))) == ["already_enrolled"] * 7 + ["in"]
    with core.reader() as db:
        assert db.scalar(select(func.count()).select_from(Enrollment)) == 1


def test_one_list_sent_by_two_at_once_is_mailed_once(invite, mailed):
    emails = [f"person{number}@example.org" for number in range(20)]
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda order: outcomes(invite(*emails[::order])), (1, -1, 1, -1)))
    assert sorted(map(set, answers), key=str) == [{"already_invited"}] * 3 + [{"invited"}]
    assert len(mailed()) == 20


def test_accepting_and_revoking_at_once_end_as_one_after_the_other(invite, join, make_person, instructor, core):
    people = [make_person("student") for _person in range(6)]
    made = {person.email: each["id"] for person, each in
            zip(people, invite(*(person.email for person in people)), strict=True)}  # fmt: skip

    def attempt(work):
        kind, person = work
        if kind == "join":
            return join(person, "*").get("code", "in")
        client = instructor.client.bearer(instructor.client.authorization[1])
        return client.delete(f"{INVITATIONS}/{made[person.email]}").status_int

    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(attempt, [(kind, person) for person in people for kind in ("join", "revoke")]))
    assert set(answers[1::2]) == {204}
    with core.reader() as db:
        members = set(db.scalars(select(Enrollment.user_id).where(Enrollment.status == "active")))
    for person, answer in zip(people, answers[::2], strict=True):
        assert answer == ("in" if person.id in members else "invitation_revoked")
    assert set(states(core).values()) == {"revoked"}
