"""Where accounts stand in the tree: ``auth`` with its sessions and second factor, ``users`` with ``me``."""

import uuid
from typing import Any, ClassVar

from pyramid.decorator import reify

from lms_core.accounts import queries
from lms_core.kernel.security import ACE, scoped_acl
from lms_core.kernel.traversal import Allow, Authenticated, Collection, Item, Resource


class AuthResource(Resource):
    """``/auth``: what proves who somebody is.

    Whoever is signed in may change their own password and second factor: no group has to grant that, so that no
    administrator can by mistake keep people from securing their accounts.
    """

    __acl__: ClassVar[list[ACE]] = [(Allow, Authenticated, "users:update")]


class TwoFactorResource(Resource):
    """``/auth/two-factor``."""


class SessionCollection(Collection):
    """``/auth/sessions``: the caller's own."""

    __acl__: ClassVar[list[ACE]] = scoped_acl(("sessions:read", "sessions:delete"), ("own",))


class SessionResource(Item):
    """A live session of the caller's; anybody else's does not exist for them."""

    def load(self) -> Any:
        request = self.request
        return queries.own_session(request.reader, self.id, request.caller.user_id, request.core.clock())


class UserCollection(Collection):
    """``/users``."""


class MeResource(Item):
    """``/users/me``: the caller's own account."""

    __acl__: ClassVar[list[ACE]] = scoped_acl(("users:read", "users:update"), ("own",))

    @reify
    def id(self) -> uuid.UUID:
        return self.request.caller.user_id

    def load(self) -> Any:
        return queries.profile(
            self.request.reader, self.id, self.request.core.clock(), self.request.registry.profile_columns
        )
