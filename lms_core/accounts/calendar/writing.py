"""A calendar as RFC 5545 has it, with what RFC 7986 adds for those that are subscribed to.

All times are in UTC, so that there are no time zones to describe. The same entries make the same bytes: ``DTSTAMP`` is
when an entry changed, as the RFC has it where no ``METHOD`` is given, and not when somebody asked.
"""

import datetime as dt
import hashlib
import re
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import replace
from urllib.parse import quote

from icalendar import Calendar, Event, Timezone, TimezoneStandard, vDuration, vText, vUri

from lms_core.accounts.calendar.queries import Entry
from lms_core.kernel.core import Core
from lms_core.kernel.texts import CONTROL

REFRESH = dt.timedelta(hours=1)
"""How often calendars are asked to look again."""
Said = Sequence[tuple[uuid.UUID, Entry]]
"""Entries, each with the id that it has for good, in the words of a language."""

_FORM = 1
"""To be counted on when the same entries are written otherwise."""
_BREAKS = re.compile(r"\r\n?|[\u2028\u2029]")


def worded(core: Core, found: Iterable[tuple[uuid.UUID, Entry]], locale: str) -> Said:
    """The entries in a language."""

    def say(text: str) -> str:
        return _clean(core.i18n.say(text, locale))

    return [(uid, replace(entry, title=say(entry.title), text=say(entry.text))) for uid, entry in found]


def tag(core: Core, said: Said) -> str:
    """What tells the calendar from any other, at a fraction of what writing it costs: calendars ask every hour."""
    whole = (_FORM, *(core.settings.text(name) for name in ("lms.name", "lms.url")), said)
    return hashlib.blake2b(repr(whole).encode(), digest_size=16).hexdigest()


def write(core: Core, said: Said) -> bytes:
    """The calendar with these entries."""
    name = vText(_clean(core.settings.text("lms.name")))
    calendar = Calendar()
    calendar.add("prodid", "-//lms-core//calendar//EN")
    calendar.add("version", "2.0")
    for key, value in (("name", name), ("x-wr-calname", name)):
        calendar.add(key, value)
    for key in ("refresh-interval", "x-published-ttl"):
        calendar.add(key, vDuration(REFRESH, params={"VALUE": "DURATION"} if key == "refresh-interval" else {}))
    for uid, entry in said:
        calendar.add_component(_event(core, uid, entry))
    if not calendar.subcomponents:
        calendar.add_component(_utc())
    written: bytes = calendar.to_ical()
    return written


def _event(core: Core, uid: uuid.UUID, entry: Entry) -> Event:
    event = Event()
    changed_at = entry.changed_at.astimezone(dt.UTC)
    event.add("uid", str(uid))
    event.add("dtstamp", changed_at)
    event.add("last-modified", changed_at)
    event.add("dtstart", entry.starts_at.astimezone(dt.UTC))
    if entry.ends_at is not None and entry.ends_at > entry.starts_at:
        event.add("dtend", entry.ends_at.astimezone(dt.UTC))
    event.add("summary", vText(entry.title))
    if entry.text:
        event.add("description", vText(entry.text))
    event.add("url", vUri(core.settings.text("lms.url").rstrip("/") + quote(entry.path, safe="/?=&")))
    # It keeps nobody from other appointments.
    event.add("transp", "TRANSPARENT")
    return event


def _utc() -> Timezone:
    """A calendar has at least one component (RFC 5545, 3.6), also where there is nothing to say."""
    standard = TimezoneStandard()
    standard.add("dtstart", dt.datetime(1970, 1, 1))  # noqa: DTZ001  # Local, as the RFC wants it.
    standard.add("tzoffsetfrom", dt.timedelta())
    standard.add("tzoffsetto", dt.timedelta())
    zone = Timezone()
    zone.add("tzid", "UTC")
    zone.add_component(standard)
    return zone


def _clean(text: str) -> str:
    """Without what would end a line or may not stand in one; the library escapes the rest."""
    return CONTROL.sub("", _BREAKS.sub("\n", text))
