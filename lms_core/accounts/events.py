"""What happens to accounts, for those who want to know."""

import uuid
from dataclasses import dataclass
from typing import ClassVar

from lms_core.kernel.events import Event


@dataclass(frozen=True, slots=True)
class UserRegistered(Event):
    """An account was made, by its owner or for them."""

    name: ClassVar[str] = "accounts.user_registered"
    user_id: uuid.UUID


@dataclass(frozen=True, slots=True)
class EmailVerified(Event):
    """The owner followed the link: of a new account, or of an address changed to (then ``changed``)."""

    name: ClassVar[str] = "accounts.email_verified"
    user_id: uuid.UUID
    changed: bool


@dataclass(frozen=True, slots=True)
class ProfileChanged(Event):
    """The name or another part of the profile was edited."""

    name: ClassVar[str] = "accounts.profile_changed"
    user_id: uuid.UUID


@dataclass(frozen=True, slots=True)
class PasswordChanged(Event):
    """The password was changed, or reset by mail."""

    name: ClassVar[str] = "accounts.password_changed"
    user_id: uuid.UUID


@dataclass(frozen=True, slots=True)
class VerificationRequested(Event):
    """Somebody asked for another verification mail; whether the account exists is looked up by the subscriber."""

    name: ClassVar[str] = "accounts.verification_requested"
    email: str


@dataclass(frozen=True, slots=True)
class PasswordResetRequested(Event):
    """Somebody forgot the password of an account, which need not exist; ``address`` is where they asked from."""

    name: ClassVar[str] = "accounts.password_reset_requested"
    email: str
    address: str
