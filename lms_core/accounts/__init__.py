"""People and how they prove who they are: registration, login, sessions, second factors, groups.

Each sub-area (registration, signin, two_factor, recovery, profile, calendar) has its own commands, schemas and views;
models, queries, events and what the sub-areas share stand beside them.
"""

from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement

from lms_core.accounts import events, queries, tasks
from lms_core.accounts.password_due import password_due_view
from lms_core.accounts.recovery.service import send_reset
from lms_core.accounts.registration.service import resend_verification
from lms_core.accounts.resources import (
    AuthResource,
    MeResource,
    SessionCollection,
    SessionResource,
    TwoFactorResource,
    UserCollection,
)
from lms_core.kernel.traversal import ApiRoot

if TYPE_CHECKING:
    from pyramid.config import Configurator

EVENTS = (events.UserRegistered, events.EmailVerified, events.ProfileChanged, events.PasswordChanged)


def add_profile_column(config: "Configurator", name: str, column: ColumnElement[Any]) -> None:
    """Directive: a later domain adds a column to ``GET /users/me``, correlated to ``users``."""

    def register() -> None:
        config.registry.profile_columns[name] = column

    config.action(("lms.profile_column", name), register)


def includeme(config: "Configurator") -> None:
    config.registry.profile_columns = {}
    config.add_directive("add_profile_column", add_profile_column)
    config.set_identity_loader(queries.identity_loader(config.registry.core.clock))
    config.add_view_deriver(password_due_view, under="throttled_view", over="secured_view")
    config.add_child(ApiRoot, "auth", AuthResource)
    config.add_child(AuthResource, "two-factor", TwoFactorResource)
    config.add_child(AuthResource, "sessions", SessionCollection)
    config.add_item(SessionCollection, SessionResource, param="sessionId")
    config.add_child(ApiRoot, "users", UserCollection)
    config.add_child(UserCollection, "me", MeResource)
    for event in EVENTS:
        config.add_event_type(event)
    config.add_event_subscriber(events.VerificationRequested, "accounts.resend_verification", resend_verification)
    config.add_event_subscriber(events.PasswordResetRequested, "accounts.send_reset", send_reset)
    config.add_periodic_task("accounts.purge", tasks.purge, every=3600)
    config.include("lms_core.accounts.calendar")
    config.include("lms_core.accounts.pages")
    config.scan("lms_core.accounts")
