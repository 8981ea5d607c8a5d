"""The groups and permissions every installation begins with."""

import pytest
from sqlalchemy import Connection, func, select

from lms_core.accounts.models import Group, GroupPermission, Permission


def rights(db: Connection, group: str) -> set[str]:
    """What a group may do, as ``resource:action:scope``."""
    name = Permission.resource + ":" + Permission.action + ":" + Permission.scope
    granted = select(name).join(GroupPermission).join(Group).where(Group.name == group)
    return set(db.scalars(granted))


def test_the_system_groups_by_rank(db: Connection) -> None:
    ranked = select(Group.name).where(Group.is_system).order_by(Group.priority.desc())
    assert list(db.scalars(ranked)) == ["super_admin", "admin", "moderator", "instructor", "student"]


def test_the_super_administrator_may_do_everything(db: Connection) -> None:
    assert len(rights(db, "super_admin")) == db.scalar(select(func.count()).select_from(Permission))


def test_only_the_super_administrator_changes_groups_and_backs_up(db: Connection) -> None:
    reserved = {"groups:create:all", "groups:update:all", "groups:delete:all", "backup:create:all"}
    assert rights(db, "super_admin") - rights(db, "admin") == reserved


@pytest.mark.parametrize("group", ["student", "instructor"])
def test_nothing_of_others_is_granted_by_scope_all(db: Connection, group: str) -> None:
    assert [right for right in rights(db, group) if right.endswith(":all")] == []


def test_a_moderator_has_all_of_the_forums_and_reviews_and_nothing_else_of_others(db: Connection) -> None:
    everywhere = {right for right in rights(db, "moderator") if right.endswith(":all")}
    reviews = {"ratings:read:all", "ratings:delete:all"}
    assert everywhere == {"forum:read:all", "forum:create:all", "forum:moderate:all", *reviews}


def test_an_instructor_is_a_student_who_owns_courses(db: Connection) -> None:
    more = rights(db, "instructor") - rights(db, "student")
    assert rights(db, "student") < rights(db, "instructor")
    assert {right.rsplit(":", 1)[1] for right in more} == {"own"}
    assert {"courses:create:own", "courses:publish:own", "courses:import:own", "rosters:read:own"} <= more


def test_a_student_may_make_no_course_but_can_assist_in_one(db: Connection) -> None:
    student = rights(db, "student")
    assert not {"courses:create:own", "courses:update:own", "courses:publish:own"} & student
    assert {"courses:update:assigned", "lessons:progress:enrolled", "enrollments:create:own"} <= student
