"""Which modules are open to a student, and why the others are not.

``rules`` decides, from what ``queries`` reads in one statement; the condition ``queries.open_lesson`` says the same in
SQL, and stands at the gate of every lesson and every file in one.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyramid.config import Configurator


def includeme(config: "Configurator") -> None:
    from lms_core.learning.unlocking import gate, queries, tasks

    config.add_lesson_gate(queries.open_lesson, gate.refusal)
    config.add_periodic_task("learning.note_openings", tasks.note_due, every=60)
