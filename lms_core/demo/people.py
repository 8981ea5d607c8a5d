"""People of each role; by scale, a hundred students and two instructors more each time."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select

from lms_core.accounts.models import Group
from lms_core.accounts.service import create_user
from lms_core.demo import Demo, SignIn, copy, numbered

PASSWORD = "Look-around-1"  # noqa: S105  # Published on purpose: an installation with demo data is no secret.
PEOPLE = (
    ("admin", "Ada", "Okafor"),
    ("moderator", "Moritz", "Lang"),
    ("instructor", "Inés", "Navarro"),
    ("instructor", "Ivan", "Petrov"),
    ("student", "Sofia", "Rossi"),
    ("student", "Samuel", "Mensah"),
    ("student", "Sakura", "Tanaka"),
    ("student", "Stine", "Larsen"),
    ("student", "Salma", "Haddad"),
    ("student", "Søren", "Holm"),
)
STUDENTS_PER_SCALE = 100
INSTRUCTORS_PER_SCALE = 2


def load(demo: Demo) -> None:
    made: dict[str, list[object]] = {}
    with demo.core.transaction() as db:
        for role, first, last in demo.track(PEOPLE, "People"):
            email = f"{role}{len(made.get(role, ())) + 1}@demo.example"
            groups = (role,) if role == "student" else (role, "student")
            user = create_user(
                db, demo.core, email=email, password=PASSWORD, first_name=first, last_name=last, groups=groups
            )
            made.setdefault(role, []).append(user.id)
            demo.sign_ins.append(SignIn(role, email, PASSWORD))
    demo.made.update(made)
    if demo.scale > 1:
        _many(demo)


def _many(demo: Demo) -> None:
    times = demo.scale - 1
    copy_people(demo, "student", times * STUDENTS_PER_SCALE)
    copy_people(demo, "instructor", times * INSTRUCTORS_PER_SCALE)


def copy_people(demo: Demo, role: str, count: int) -> None:
    """So many accounts of a role, with one password."""
    hashed, now = demo.core.tokens.passwords.hash(PASSWORD), demo.core.clock()
    with demo.core.reader() as db:
        group = db.scalar(select(Group.id).where(Group.name == role))
    columns = ("id", "email", "email_verified_at", "password_hash", "first_name", "last_name")

    def account(number: int) -> Sequence[Any]:
        who = (f"{role}-{number}@many.example", now, hashed, role.title(), f"Number {number}")
        return numbered(role, number), *who

    copy(demo, f"{role.title()}s", "users", columns, count, account)
    copy(
        demo, f"{role.title()}s' groups", "user_groups", ("user_id", "group_id"), count,
        lambda number: (numbered(role, number), group),
    )  # fmt: skip
