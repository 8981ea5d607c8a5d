"""How far each student has come, and what they think of the course.

The sub-area ``progress`` has lessons started and completed, ``following`` what new versions of a course make of that,
``unlocking`` what is open to whom, ``calendar`` when, ``outline`` the course as one person sees it, ``mine`` the
courses somebody takes, ``annotations`` their notes and bookmarks, ``ratings`` the reviews.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyramid.config import Configurator


def includeme(config: "Configurator") -> None:
    config.include("lms_core.learning.unlocking")
    config.include("lms_core.learning.calendar")
    config.include("lms_core.learning.outline")
    config.include("lms_core.learning.progress")
    config.include("lms_core.learning.following")
    config.include("lms_core.learning.mine")
    config.include("lms_core.learning.annotations")
    config.include("lms_core.learning.ratings")
