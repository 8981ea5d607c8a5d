"""What somebody has to do with, by date, for the calendar that they use already: ``/users/me/calendar.ics``.

Each domain adds what it knows of (``config.add_calendar_source``). Calendars send no headers, so that an address with
a token in it opens one, and nothing else; only its owner learns it, once.
"""

from typing import TYPE_CHECKING

from lms_core.accounts.resources import MeResource

if TYPE_CHECKING:
    from pyramid.config import Configurator

    from lms_core.accounts.calendar.queries import Source


def add_calendar_source(config: "Configurator", name: str, source: "Source") -> None:
    """Directive: ``source(connection, wanted)`` answers entries, at the cost of one statement.

    ``name`` is of lower-case words and for good: calendars know an entry by it, and by the entry's own key.
    """

    def register() -> None:
        config.registry.calendar_sources[name] = source

    config.action(("lms.calendar_source", name), register)


def includeme(config: "Configurator") -> None:
    from lms_core.accounts.calendar.resources import MyCalendar, MyCalendarLink

    config.registry.calendar_sources = {}
    config.add_directive("add_calendar_source", add_calendar_source)
    config.add_child(MeResource, "calendar", MyCalendarLink)
    config.add_child(MeResource, "calendar.ics", MyCalendar)
