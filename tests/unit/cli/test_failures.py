"""What a user can mend is one line; what is our own fault keeps its traceback."""

import psycopg
import pytest
from alembic.util import CommandError as AlembicError
from sqlalchemy.exc import OperationalError, ProgrammingError

from lms_core.cli.failures import CommandError, explained
from lms_core.kernel.embedded import EmbeddedError
from lms_core.kernel.errors import Conflict, Invalid, NotFound
from lms_core.kernel.i18n import _
from lms_core.settings import SettingsError


@pytest.mark.parametrize(
    ("error", "line", "code"),
    [
        (SettingsError("lms.x: not a number"), "lms.x: not a number", 2),
        (CommandError("the port is in use"), "the port is in use", 1),
        (EmbeddedError("no space left"), "no space left", 1),
        (NotFound(), "Not found (not_found)", 1),
        (Conflict("email_taken", _("Taken by ${who}.", mapping={"who": "Ada"})), "Taken by Ada.", 1),
        (
            Invalid("weak_password", _("Too weak."), errors={"password": [_("8 characters."), _("A digit.")]}),
            "Too weak: password: 8 characters.; password: A digit.",
            1,
        ),
        (
            Invalid("invalid", errors={"items": {"0": {"title": ["Missing."]}}}),
            "Invalid data (invalid): items.0.title: Missing.",
            1,
        ),
        (
            OperationalError("SELECT", {}, psycopg.OperationalError("connection refused\nIs the server running?")),
            "the database does not answer: connection refused",
            1,
        ),
        (
            ProgrammingError("SELECT", {}, psycopg.errors.UndefinedTable("no users")),
            "the database has no schema yet, or an old one; run `lms db upgrade`",
            1,
        ),
        (AlembicError("Can't locate revision\nfoo"), "Can't locate revision", 1),
    ],
)
def test_it_is_said_in_one_line(error: Exception, line: str, code: int) -> None:
    assert explained(error) == (line, code)


@pytest.mark.parametrize(
    "error", [ValueError("a bug"), ProgrammingError("SELEC", {}, psycopg.errors.SyntaxError("at SELEC"))]
)
def test_a_fault_of_ours_is_not_explained_away(error: Exception) -> None:
    assert explained(error) is None
