"""The commands that look after an installation, on a migrated database."""

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import insert, select, text
from sqlalchemy.orm import Session

from lms_core.accounts.models import UserSession
from lms_core.accounts.queries import account_by_email
from lms_core.cli import bootstrap, main
from lms_core.kernel.core import Core
from lms_core.kernel.models import DeadLetter
from lms_core.settings import Settings
from lms_core.testing.accounts import make_user, sign_in
from lms_core.testing.cartridges import write_cartridge
from lms_core.testing.courses import make_course

INI = Path(bootstrap.__file__).parents[2] / "development.ini"
Lms = Callable[..., Result]


@pytest.fixture
def lms(settings: Settings) -> Lms:
    """Run a command as a shell would, with the tests' settings in its environment."""

    def run(*arguments: str, answers: str | None = None, **environ: str) -> Result:
        ini = ["--ini", str(INI), "--data", str(settings.data)]
        return CliRunner().invoke(main, [*arguments, *ini], input=answers, env={**settings.as_environ(), **environ})

    return run


def test_an_account_is_made_with_a_generated_password_that_works(lms: Lms, app: Any) -> None:
    made = lms("user", "create", "--email", "ada@Example.org", "--group", "instructor", "--generate")

    assert made.exit_code == 0, made.output
    password = made.stdout.rpartition("Password: ")[2].strip()
    answer = app.post_json("/api/v1/auth/login", {"email": "ada@example.org", "password": password}).json
    assert answer["user"]["groups"] == ["instructor"]
    assert answer["user"]["firstName"] == "ada"


def test_a_typed_password_is_not_shown(lms: Lms, app: Any) -> None:
    password = "Typed-by-hand-7"

    made = lms("user", "create", "--email", "eve@example.org", answers=f"{password}\n{password}\n")

    assert made.exit_code == 0, made.output
    assert password not in made.output
    app.post_json("/api/v1/auth/login", {"email": "eve@example.org", "password": password})


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("--email", "nobody"), "lms: 'nobody' is not an e-mail address\n"),
        (("--email", "x@example.org", "--group", "wizards"), "lms: There is no group named wizards.\n"),
        (("--email", "TAKEN@example.org"), "lms: An account with this e-mail address exists.\n"),
    ],
)
def test_what_cannot_be_made_is_one_line(lms: Lms, core: Core, arguments: tuple[str, ...], line: str) -> None:
    make_user(core, email="taken@example.org")

    refused = lms("user", "create", "--generate", *arguments)

    assert (refused.exit_code, refused.stderr, refused.stdout) == (1, line, "")


def test_accounts_are_listed_with_groups_and_state(lms: Lms, core: Core) -> None:
    make_user(core, ("instructor", "student"), email="b@example.org", first_name="Bo", last_name="Ek")
    make_user(core, email="A@example.org", is_active=False)
    make_user(core, email="c@example.org", email_verified_at=None)

    everybody = [line.split("\t") for line in lms("user", "list").stdout.splitlines()]
    instructors = lms("user", "list", "--group", "instructor").stdout.splitlines()

    assert [(row[0], row[3]) for row in everybody] == [
        ("A@example.org", "suspended"),
        ("b@example.org", "active"),
        ("c@example.org", "not verified"),
    ]
    assert [line.split("\t")[:3] for line in instructors] == [["b@example.org", "Bo Ek", "instructor, student"]]


def test_a_new_password_ends_sessions_and_lifts_a_lock(lms: Lms, core: Core, app: Any) -> None:
    user = make_user(core, email="locked@example.org", failed_login_attempts=5, failed_login_locked_until=core.clock())
    sign_in(core, user)

    changed = lms("user", "password", "LOCKED@example.org", "--generate")

    password = changed.stdout.rpartition("Password: ")[2].strip()
    with core.transaction() as db:
        assert [session.revoked_reason for session in sessions(db, user.id)] == ["password_changed"]
        account = account_by_email(db, "locked@example.org")
        assert account is not None
        assert account.failed_login_locked_until is None
    app.post_json("/api/v1/auth/login", {"email": "locked@example.org", "password": password})


def sessions(db: Session, user_id: object) -> list[UserSession]:
    return list(db.scalars(select(UserSession).where(UserSession.user_id == user_id)))


def test_a_weak_password_is_refused_with_the_rules(lms: Lms, core: Core) -> None:
    make_user(core, email="ada@example.org")

    refused = lms("user", "password", "ada@example.org", answers="short\nshort\n")

    assert refused.exit_code == 1
    assert "The password is too weak: password: At least 8 characters.; " in refused.stderr


def test_groups_are_changed_and_written_into_the_audit_trail(lms: Lms, core: Core) -> None:
    make_user(core, ("student",), email="ada@example.org")

    changed = lms("user", "groups", "ada@example.org", "--add", "instructor", "--add", "student", "--remove", "student")

    assert changed.stdout == "instructor\n"
    with core.transaction() as db:
        logged = db.execute(text("SELECT old_values, new_values FROM audit_logs WHERE action = 'user.groups_changed'"))
        assert [tuple(row) for row in logged] == [({"groups": ["student"]}, {"groups": ["instructor"]})]
    assert lms("user", "groups", "ada@example.org").stdout == "instructor\n"
    assert lms("user", "groups", "nobody@example.org").stderr == "lms: there is no account nobody@example.org\n"


def test_an_account_is_named_by_its_address_as_people_write_it(lms: Lms, core: Core) -> None:
    assert lms("user", "create", "--email", "ada@müller.example", "--generate").exit_code == 0
    assert lms("user", "groups", "Ada@Müller.example").stdout == "student\n"


def test_dead_letters_are_listed_replayed_and_dropped(lms: Lms, core: Core) -> None:
    first, second = dead_letter(core, "2026-01-01"), dead_letter(core, "2026-01-02")

    listed = [line.split("\t") for line in lms("pipelines", "dead").stdout.splitlines()]

    assert [row[0] for row in listed] == [first, second]
    assert listed[0][1:] == ["accounts.user_registered", "nobody.listens", "8", "2026-01-01 00:00", "ValueError: no"]
    assert lms("pipelines", "replay", first).stdout == "Replayed: 1\n"
    assert lms("pipelines", "drop", second).stdout == "Dropped: 1\n"
    assert lms("pipelines", "dead").stdout == ""
    again = lms("pipelines", "drop", second)
    assert (again.exit_code, again.stderr) == (1, "lms: Not found (dead_letter_unknown)\n")


def dead_letter(core: Core, died: str) -> str:
    values = {
        "event_id": uuid4(), "subscriber": "nobody.listens", "name": "accounts.user_registered", "payload": {},
        "attempts": 8, "error": "Traceback:\n  a line\nValueError: no\n", "occurred_at": f"{died}T00:00Z",
        "died_at": f"{died}T00:00Z",
    }  # fmt: skip
    with core.transaction() as db:
        return str(db.scalar(insert(DeadLetter).values(**values).returning(DeadLetter.id)))


def test_plugins_are_listed_with_what_they_are(lms: Lms) -> None:
    rows = [line.split("\t") for line in lms("plugin", "list").stdout.splitlines()]

    cartridge = next(row for row in rows if row[0] == "importer_common_cartridge")
    assert cartridge[2:4] == ["on", "lms_course_importers"]
    assert cartridge[4].startswith("lms-core (lms_plugins.importer_common_cartridge")
    off = lms("plugin", "list", LMS_PLUGINS_DISABLED="importer_common_cartridge").stdout
    assert "importer_common_cartridge\t" in off
    assert "\toff\t" in off


def test_the_openapi_document_is_printed(lms: Lms) -> None:
    document = json.loads(lms("openapi").stdout)

    assert document["openapi"].startswith("3.1")
    assert "/api/v1/auth/login" in document["paths"]


def test_the_schema_goes_up_down_and_says_where_it_stands(lms: Lms, empty_database_url: str) -> None:
    def db(*arguments: str) -> Result:
        return lms("db", *arguments, SQLALCHEMY_URL=empty_database_url)

    assert db("url").stdout == f"{empty_database_url}\n"
    assert lms("user", "list", SQLALCHEMY_URL=empty_database_url).stderr == (
        "lms: the database has no schema yet, or an old one; run `lms db upgrade`\n"
    )
    assert "Not applied: " in db("current").stderr
    assert db("upgrade", "0001_text_search").exit_code == 0
    assert db("current").stdout == "0001_text_search\n"
    assert db("check").exit_code == 1
    assert db("upgrade").exit_code == 0
    assert db("check").exit_code == 0
    assert db("current").stderr == ""
    assert db("downgrade", "base", "--yes").exit_code == 0
    assert db("current").stdout == ""
    unknown = db("upgrade", "nosuch")
    assert (unknown.exit_code, unknown.stderr) == (1, "lms: Can't locate revision identified by 'nosuch'\n")


def test_a_database_that_does_not_answer_is_one_line(lms: Lms) -> None:
    refused = lms("user", "list", SQLALCHEMY_URL="postgresql://lms@127.0.0.1:1/lms")

    assert refused.exit_code == 1
    assert refused.stderr.startswith("lms: the database does not answer: ")
    assert refused.stderr.count("\n") == 1


def test_the_demo_is_refused_where_people_live(lms: Lms, core: Core) -> None:
    make_user(core)
    make_user(core)

    refused = lms("demo", "load")

    assert (refused.exit_code, refused.stderr) == (
        1, "lms: the demo fills an empty installation, and this one has people in it\n",
    )  # fmt: skip


def test_the_demo_fills_an_empty_installation_and_says_who_can_sign_in(lms: Lms, app: Any) -> None:
    loaded = lms("demo", "load")

    assert loaded.exit_code == 0, loaded.output
    people = [line.split("\t") for line in loaded.stdout.splitlines()]
    assert {"admin", "instructor", "student"} <= {role for role, _email, _password in people}
    for _role, email, password in people[:2]:
        app.post_json("/api/v1/auth/login", {"email": email, "password": password})


MANIFEST = """<?xml version="1.0"?>
<manifest xmlns="http://www.imsglobal.org/xsd/imsccv1p3/imscp_v1p1">
  <metadata><schema>IMS Common Cartridge</schema></metadata>
  <organizations><organization structure="rooted-hierarchy"><item>
    <item><title>Week one</title>
      <item identifierref="page"><title>Welcome</title></item>
      <item identifierref="talk"><title>Say hello</title></item>
    </item>
  </item></organization></organizations>
  <resources>
    <resource identifier="page" type="webcontent" href="page.html"><file href="page.html"/></resource>
    <resource identifier="talk" type="imsdt_xmlv1p3"><file href="talk.xml"/></resource>
  </resources>
</manifest>"""


@pytest.fixture
def cartridge(tmp_path: Path) -> Path:
    """A course of one page, and a discussion that cannot be brought."""
    path = tmp_path / "small.imscc"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("imsmanifest.xml", MANIFEST)
        archive.writestr("page.html", "<html><body><p>Good morning</p></body></html>")
        archive.writestr("talk.xml", '<topic xmlns="http://www.imsglobal.org/xsd/imsccv1p3/imsdt_v1p3"/>')
    return path


def test_a_course_is_imported_and_what_was_not_brought_is_named(lms: Lms, core: Core, cartridge: Path) -> None:
    make_user(core, ("instructor",), email="teacher@example.org")

    imported = lms("course", "import", str(cartridge), "--instructor", "teacher@example.org", "--publish")

    assert imported.exit_code == 0, imported.output
    first, second, *skipped = imported.stdout.splitlines()
    assert first.endswith(": 1 modules, 1 lessons, 0 files")
    assert second.endswith(", published")
    assert len(skipped) == 1
    assert skipped[0].startswith("Not brought: Say hello: ")


def test_an_import_for_somebody_who_is_no_instructor_is_refused(lms: Lms, core: Core, cartridge: Path) -> None:
    make_user(core, email="student@example.org")

    refused = lms("course", "import", str(cartridge), "--instructor", "student@example.org")

    assert (refused.exit_code, refused.stderr) == (1, "lms: student@example.org is not an instructor.\n")


def test_an_import_beyond_the_quota_of_the_instructor_is_refused(lms: Lms, core: Core, tmp_path: Path) -> None:
    path = write_cartridge(tmp_path / "a.imscc", "A", {"M": {"Page": "<p>Words.</p>"}}, {"a.txt": b"x" * 200})
    make_user(core, ("instructor",), email="teacher@example.org")

    refused = lms("course", "import", str(path), "--instructor", "teacher@example.org", LMS_FILES_TEACHER_QUOTA="100")

    line = "lms: Your files may take 100 bytes, of which 100 are left.\n"
    assert (refused.exit_code, refused.stderr, refused.stdout) == (1, line, "")


def test_lessons_of_which_nothing_could_be_told_are_looked_into_again(lms: Lms, core: Core) -> None:
    course = make_course(core, make_user(core, groups=["instructor"]).id, lessons=1)
    assert lms("course", "reprocess").stdout == "0 lessons will be looked into again\n"
    with core.transaction() as db:
        db.execute(text('UPDATE lessons SET derived = \'{"problem": "tool_missing"}\''))
    assert lms("course", "reprocess").stdout == "1 lesson will be looked into again\n"
    with core.reader() as db:
        waiting = db.scalars(text("SELECT payload FROM outbox WHERE name = 'courses.lesson_content_changed'")).all()
    assert waiting.count({"lesson_id": str(course.lessons[0])}) == 2


def test_a_course_is_exported_and_imported_again(lms: Lms, core: Core, cartridge: Path, tmp_path: Path) -> None:
    make_user(core, ("instructor",), email="teacher@example.org")
    lms("course", "import", str(cartridge), "--instructor", "teacher@example.org", "--publish")
    target = tmp_path / "out.imscc"

    exported = lms("course", "export", "imported-course", str(target))
    version = lms("course", "export", "imported-course", str(tmp_path / "1.imscc"), "--version", "1")

    assert exported.stdout == f"Imported course, the draft: 1 modules, 1 lessons, 0 files in {target}\n", (
        exported.output
    )
    assert version.stdout.startswith("Imported course, version 1: 1 modules, 1 lessons"), version.output
    again = lms("course", "import", str(target), "--instructor", "teacher@example.org")
    assert again.stdout.startswith("Imported course: 1 modules, 1 lessons, 0 files\n"), again.output


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("nowhere", "x.imscc"), "lms: There is no course nowhere.\n"),
        (("imported-course", "x.imscc", "--version", "7"), "lms: The course has no version 7.\n"),
        (("imported-course", "no/folder/x"), "lms: no/folder/x cannot be written: No such file or directory.\n"),
    ],
)
def test_an_export_that_cannot_be_is_one_line(
    lms: Lms, core: Core, cartridge: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...], line: str,
) -> None:  # fmt: skip
    make_user(core, ("instructor",), email="teacher@example.org")
    lms("course", "import", str(cartridge), "--instructor", "teacher@example.org")
    empty = tmp_path / "empty"
    empty.mkdir()
    monkeypatch.chdir(empty)

    refused = lms("course", "export", *arguments)

    assert (refused.exit_code, refused.stderr, refused.stdout) == (1, line, "")
    assert list(empty.iterdir()) == []
