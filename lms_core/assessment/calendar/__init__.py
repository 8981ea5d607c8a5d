"""When quizzes open and are due, in the calendars of those who take their courses."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyramid.config import Configurator


def includeme(config: "Configurator") -> None:
    from lms_core.assessment.calendar import queries

    config.add_calendar_source("assessment", queries.entries)
