"""How a revision adds permissions and says which groups have them."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import sqlalchemy as sa
from alembic import op


class Right(NamedTuple):
    """An action on a resource, and by scope (own, assigned, enrolled, all) the names of the groups that have it.

    The group ``super_admin`` has every permission and need not be named.
    """

    resource: str
    action: str
    description: str
    scopes: Mapping[str, Sequence[str]]


def grant(rights: Sequence[Right]) -> None:
    """Insert the permissions and give them to their groups."""
    connection = op.get_bind()
    for right in rights:
        for scope, groups in right.scopes.items():
            connection.execute(
                sa.text(
                    """
                    WITH added AS (
                        INSERT INTO permissions (resource, action, scope, description)
                        VALUES (:resource, :action, :scope, :description) RETURNING id
                    )
                    INSERT INTO group_permissions (group_id, permission_id)
                    SELECT groups.id, added.id FROM groups CROSS JOIN added
                    WHERE groups.name = ANY (:groups)
                    """
                ),
                {
                    "resource": right.resource,
                    "action": right.action,
                    "scope": scope,
                    "description": right.description,
                    "groups": ["super_admin", *groups],
                },
            )


def revoke(rights: Sequence[Right]) -> None:
    """Delete the permissions, and with them every grant."""
    connection = op.get_bind()
    for right in rights:
        connection.execute(
            sa.text(
                "DELETE FROM permissions WHERE resource = :resource AND action = :action AND scope = ANY (:scopes)"
            ),
            {"resource": right.resource, "action": right.action, "scopes": list(right.scopes)},
        )
