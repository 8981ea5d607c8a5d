"""Testing what was learned: the question bank, quizzes, attempts, grading and the gradebook."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyramid.config import Configurator


def includeme(config: "Configurator") -> None:
    """The tables stand, and calendars read them; views come with the domain's own capability."""
    config.include("lms_core.assessment.calendar")
