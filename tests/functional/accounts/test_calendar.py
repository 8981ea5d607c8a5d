"""One's own calendar, the address that opens it, and the rules of RFC 5545."""

import datetime as dt
import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import icalendar
import pytest
from sqlalchemy import select, update

from lms_core.accounts.calendar.queries import Entry
from lms_core.accounts.models import CalendarLink, User, UserGroup
from lms_core.kernel.core import Core
from lms_core.kernel.i18n import _
from lms_core.kernel.models import AuditLog, SystemLog
from lms_core.testing.accounts import bearer, make_user
from lms_core.testing.client import PASSWORD, Client

CALENDAR, LINK = "/api/v1/users/me/calendar.ics", "/api/v1/users/me/calendar"
NOW = dt.datetime.now(dt.UTC).replace(microsecond=0)
DAY = dt.timedelta(days=1)
HOSTILE = "Tea, milk; sugar\\\r\nBEGIN:VEVENT\rX:\n\x00\x1b\u2028" + "ü€🎓" * 60


@pytest.fixture
def ada(core: Core) -> User:
    return make_user(core)


@pytest.fixture
def client(core: Core, app: Client, ada: User) -> Client:
    return app.bearer(bearer(core, ada))


def share(client: Client) -> str:
    """The address, as a path with its token."""
    url: str = client.post(LINK).json["url"]
    assert url.startswith(f"http://localhost{CALENDAR}?token=")
    return url.removeprefix("http://localhost")


def check_rules(body: bytes) -> None:
    """What RFC 5545 asks of any calendar, line by line (3.1, 3.2, 3.3.11, 3.6, 3.8)."""
    assert body.endswith(b"\r\n")
    assert not re.search(rb"[^\r]\n|\r[^\n]", body)
    for line in body.split(b"\r\n"):
        assert len(line) <= 75
        line.decode()  # No character is cut in two.
    unfolded = body.decode().replace("\r\n ", "")
    assert not re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]", unfolded)
    open_components: list[str] = []
    seen: dict[str, int] = {}
    for line in unfolded.removesuffix("\r\n").split("\r\n"):
        found = re.fullmatch(r'([A-Z0-9-]+)((?:;[A-Z0-9-]+=(?:"[^"]*"|[^";:,]*))*):(.*)', line)
        assert found, line
        name, _parameters, value = found.groups()
        if name == "BEGIN":
            open_components.append(value)
            seen = {}
        elif name == "END":
            assert open_components.pop() == value
            if value == "VEVENT":
                once = {"UID", "DTSTAMP", "DTSTART"}
                assert once <= seen.keys()
                assert all(count == 1 for count in seen.values())
                assert not {"DTEND", "DURATION"} <= seen.keys()
        else:
            seen[name] = seen.get(name, 0) + 1
        if name in ("SUMMARY", "DESCRIPTION", "NAME", "X-WR-CALNAME"):
            assert not re.search(r"(?<!\\)(?:\\\\)*[;,]", value), value
            assert re.fullmatch(r"(?:[^\\]|\\[\\;,nN])*", value), value
        if name in ("DTSTAMP", "LAST-MODIFIED") or (name == "DTSTART" and open_components[-1] == "VEVENT"):
            assert re.fullmatch(r"\d{8}T\d{6}Z", value)
    assert open_components == []
    assert body.count(b"BEGIN:") > 1


def read(answer: Any) -> list[Any]:
    """The events of an answer that keeps the rules."""
    assert answer.content_type == "text/calendar"
    check_rules(answer.body)
    calendar: Any = icalendar.Calendar.from_ical(answer.body)
    assert calendar.errors == []
    return list(calendar.walk("VEVENT"))


@pytest.fixture
def noted(core: Core, make_app: Any) -> Any:
    """An application with a domain that knows of these entries."""

    def make(*entries: Entry, **settings: Any) -> Client:
        def include(config: Any) -> None:
            config.add_calendar_source("notes", lambda _connection, _wanted: entries)

        client: Client = make_app(include, **settings)
        return client

    return make


def test_a_calendar_without_anything_is_one_all_the_same(client: Client) -> None:
    answer = client.get(CALENDAR)
    assert read(answer) == []
    assert answer.headers["Content-Type"] == "text/calendar; charset=utf-8"
    assert b"REFRESH-INTERVAL;VALUE=DURATION:PT1H\r\n" in answer.body
    assert b"X-PUBLISHED-TTL:PT1H\r\n" in answer.body
    assert b"NAME:LMS\r\n" in answer.body


def test_the_address_opens_the_calendar_and_nothing_else(core: Core, app: Client, client: Client) -> None:
    address = share(client)
    read(app.get(address))
    token = address.partition("=")[2]
    app.get(f"/api/v1/users/me?token={token}", status=401)
    app.get(f"{LINK}?token={token}", status=401)
    app.post(f"{LINK}?token={token}", status=401)
    app.delete(f"{CALENDAR}?token={token}", status=405)
    app.bearer(token).get("/api/v1/users/me", status=401)
    with core.transaction() as db:
        [kept] = db.scalars(select(CalendarLink.token_hash))
        assert kept != token
        assert token not in str(db.execute(select(AuditLog.new_values, AuditLog.old_values)).all())


def test_the_token_is_told_once_and_stands_in_no_log(core: Core, app: Client, client: Client, registry: Any) -> None:
    client.get(LINK, status=404)
    address = share(client)
    assert set(client.get(LINK).json) == {"createdAt"}
    app.get(address)
    registry.request_log.flush()
    with core.transaction() as db:
        paths = db.scalars(select(SystemLog.request_path).where(SystemLog.request_path.contains("calendar.ics"))).all()
    assert paths == [f"{CALENDAR}?token=[redacted]"]


def test_a_new_address_ends_the_one_before(app: Client, client: Client) -> None:
    first, second = share(client), share(client)
    assert app.get(first, status=404).json["code"] == "calendar_not_found"
    app.get(second)
    client.delete(LINK, status=204)
    app.get(second, status=404)
    client.delete(LINK, status=404)
    client.get(LINK, status=404)


def test_of_addresses_made_at_once_the_last_one_counts(app: Client, client: Client) -> None:
    with ThreadPoolExecutor(4) as pool:
        addresses = list(pool.map(lambda _each: share(client), range(4)))
    answers = [app.get(address, status="*").status_int for address in addresses]
    assert sorted(answers) == [200, 404, 404, 404]


@pytest.mark.parametrize("token", ["", "x", "x" * 101, "%00", "%F0%9F%8E%93"])
def test_what_is_no_token_opens_nothing(app: Client, client: Client, token: str) -> None:
    assert app.get(f"{CALENDAR}?token={token}", status=404).json["code"] == "calendar_not_found"
    # With a token in the address, it counts and nothing else.
    client.get(f"{CALENDAR}?token={token}", status=404)


def test_nobody_has_no_calendar(app: Client) -> None:
    app.get(CALENDAR, status=401)
    app.post(LINK, status=401)
    app.get(f"{CALENDAR}?token=x&more=1", status=404)


def test_credentials_beside_a_token_count_for_nothing(core: Core, app: Client, client: Client, ada: User) -> None:
    address = share(client)
    other = app.bearer(bearer(core, make_user(core)))
    with core.transaction() as db:
        db.execute(update(User).where(User.id == ada.id).values(preferred_language="de"))
    read(other.get(address))
    read(app.bearer("nonsense").get(address))


def test_a_new_password_ends_it(app: Client, client: Client) -> None:
    address = share(client)
    new = {"currentPassword": PASSWORD, "newPassword": "Another-good-one-77"}
    client.post_json("/api/v1/auth/change-password", {**new, "currentPassword": "Wrong-one-77"}, status=401)
    app.get(address)
    client.post_json("/api/v1/auth/change-password", new)
    app.get(address, status=404)


@pytest.mark.parametrize(
    ("change", "undo"),
    [
        ({"suspended_at": NOW}, {"suspended_at": None}),
        ({"is_active": False}, {"is_active": True}),
        ({"deleted_at": NOW}, {"deleted_at": None}),
    ],
    ids=["suspended", "switched off", "deleted"],
)
def test_it_ends_with_the_account_and_does_not_come_back(
    core: Core, app: Client, client: Client, ada: User, change: Any, undo: Any
) -> None:
    address = share(client)
    for values in (change, undo):
        with core.transaction() as db:
            db.execute(update(User).where(User.id == ada.id).values(**values))
        app.get(address, status=404)


def test_signing_in_and_editing_the_profile_leave_it(app: Client, client: Client, ada: User) -> None:
    address = share(client)
    app.login(ada.email)
    client.put_json("/api/v1/users/me", {"firstName": "Augusta"})
    app.get(address)


def test_it_can_no_more_than_its_owner(core: Core, app: Client, client: Client, ada: User) -> None:
    address = share(client)
    with core.transaction() as db:
        db.execute(update(User).where(User.id == ada.id).values(must_change_password=True))
    assert app.get(address, status=403).json["code"] == "password_change_required"
    with core.transaction() as db:
        db.execute(update(User).where(User.id == ada.id).values(must_change_password=False))
        db.execute(update(UserGroup).where(UserGroup.user_id == ada.id).values(expires_at=NOW - DAY))
    app.get(address, status=403)


def test_who_guesses_addresses_is_slowed_down_and_who_polls_is(core: Core, make_app: Any, ada: User) -> None:
    limits = {"lms__ratelimit__calendar_address": "3/hour", "lms__ratelimit__calendar_account": "4/hour"}
    app = make_app(lms__ratelimit__enabled=True, **limits)
    address = share(app.bearer(bearer(core, ada)))
    for _try in range(3):
        app.get(f"{CALENDAR}?token=guess", status=404)
    assert int(app.get(f"{CALENDAR}?token=guess", status=429).headers["Retry-After"]) > 60
    # Whole universities ask through the few addresses of one calendar service.
    for _try in range(4):
        app.get(address)
    app.get(address, status=429)


def test_hostile_texts_stay_texts(core: Core, noted: Any, ada: User) -> None:
    app = noted(Entry("1", HOSTILE, NOW, NOW, text=HOSTILE, path="/courses/1\r\nBEGIN:VEVENT"), lms__name="A;B,C\nD")
    answer = app.bearer(bearer(core, ada)).get(CALENDAR)
    [event] = read(answer)
    told = "Tea, milk; sugar\\\nBEGIN:VEVENT\nX:\n\n" + "ü€🎓" * 60
    assert str(event["summary"]) == str(event["description"]) == told
    assert event["url"] == "http://localhost/courses/1%0D%0ABEGIN%3AVEVENT"
    assert answer.text.replace("\r\n ", "").count("BEGIN:VEVENT\r\n") == 1


def test_the_same_entries_make_the_same_bytes(core: Core, noted: Any, ada: User) -> None:
    offset = dt.timezone(dt.timedelta(hours=5, minutes=30))
    entry = Entry("1", "Quiz", NOW.astimezone(offset), NOW - DAY, ends_at=NOW + DAY, path="/courses/1")
    client = noted(entry).bearer(bearer(core, ada))
    answer = client.get(CALENDAR)
    [event] = read(answer)
    assert (event["dtstart"].dt, event["dtend"].dt) == (NOW, NOW + DAY)
    assert event["dtstamp"].dt == event["last-modified"].dt == NOW - DAY
    assert event["transp"] == "TRANSPARENT"
    assert answer.headers["Cache-Control"] == "private, no-cache"
    assert {"Authorization", "Cookie"} <= set(answer.vary)
    again = client.get(CALENDAR, headers={"If-None-Match": answer.headers["ETag"]}, status=304)
    assert (again.body, again.headers["ETag"]) == (b"", answer.headers["ETag"])
    assert client.get(CALENDAR, headers={"If-None-Match": '"other"'}).body == answer.body
    changed = noted(Entry("1", "Exam", NOW, NOW)).bearer(bearer(core, ada))
    [other] = read(changed.get(CALENDAR, headers={"If-None-Match": answer.headers["ETag"]}))
    assert other["uid"] == event["uid"]
    [somebodys] = read(changed.bearer(bearer(core, make_user(core))).get(CALENDAR))
    assert somebodys["uid"] != event["uid"]


def test_it_reaches_so_far_and_holds_so_many(core: Core, noted: Any, ada: User) -> None:
    days = [*range(-100, 400)]
    entries = [Entry(f"{day} {n}", f"Day {day}", NOW + day * DAY, NOW) for day in days for n in range(4)]
    events = read(noted(*entries).bearer(bearer(core, ada)).get(CALENDAR))
    assert len(events) == 1000
    reached = sorted({(event["dtstart"].dt - NOW) // DAY for event in events})
    assert reached[0] >= -90
    assert (-89 in reached, 150 in reached, 170 in reached) == (True, True, False)


def test_it_is_in_the_language_of_its_owner(core: Core, noted: Any) -> None:
    app = noted(Entry("1", _("Not found"), NOW, NOW))
    german = make_user(core, preferred_language="de")
    answer = app.bearer(bearer(core, german)).get(CALENDAR, headers={"Accept-Language": "en"})
    assert [event["summary"] for event in read(answer)] == ["Nicht gefunden"]
    with core.transaction() as db:
        db.execute(update(User).where(User.id == german.id).values(preferred_language="en"))
    other = app.bearer(bearer(core, german)).get(CALENDAR, headers={"If-None-Match": answer.headers["ETag"]})
    assert [event["summary"] for event in read(other)] == ["Not found"]
