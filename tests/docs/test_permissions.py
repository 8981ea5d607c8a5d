"""docs/permissions.md is what a new installation begins with: every permission, its scopes, and the groups."""

import re
from pathlib import Path

from sqlalchemy import text

from lms_core.kernel.core import Core
from lms_core.kernel.security import SCOPES

PAGE = (Path(__file__).parents[2] / "docs" / "permissions.md").read_text()

Written = dict[str, tuple[str, dict[str, set[str]]]]
"""By permission, what it is for and the groups that have it in each scope."""

SEEDED = text(
    """
    SELECT p.resource || ':' || p.action AS permission, p.scope, p.description, array_agg(g.name) AS groups
    FROM permissions p JOIN group_permissions ON permission_id = p.id JOIN groups g ON g.id = group_id
    GROUP BY p.id
    """
)


def written() -> Written:
    rows = re.findall(r"^\| `(\w+:\w+)` \| ([^|]+) \| (.+) \|$", PAGE, re.MULTILINE)
    return {permission: (what, _groups_by_scope(scopes)) for permission, what, scopes in rows}


def _groups_by_scope(scopes: str) -> dict[str, set[str]]:
    return {scope: set(re.findall(r"\w+", groups)) for scope, groups in re.findall(r"`(\w+)`: ([^;]*)", scopes)}


def test_the_table_is_what_a_new_installation_has(core: Core) -> None:
    seeded: Written = {}
    with core.reader() as connection:
        for row in connection.execute(SEEDED):
            groups = set(row.groups) - {"super_admin"} or {"super_admin"}
            seeded.setdefault(row.permission, (row.description, {}))[1][row.scope] = groups
    assert written() == seeded


def test_no_permission_stands_there_twice() -> None:
    rows = re.findall(r"^\| `(\w+:\w+)`", PAGE, re.MULTILINE)
    assert len(rows) == len(set(rows))


def test_every_scope_is_explained() -> None:
    assert tuple(re.findall(r"^\| `(\w+)` \| [^|]+ \|$", PAGE, re.MULTILINE)) == SCOPES
