"""What courses have to say in the calendars of those who take them: when modules open, when the course is theirs."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyramid.config import Configurator


def includeme(config: "Configurator") -> None:
    from lms_core.learning.calendar import queries

    config.add_calendar_source("learning", queries.entries)
