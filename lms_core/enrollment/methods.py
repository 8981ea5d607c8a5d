"""An enrollment method as a plugin writes it: a way into a course, and what it decides about who takes it."""

import datetime as dt
import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar

from sqlalchemy.orm import Session

from lms_core.kernel.core import Core
from lms_core.kernel.errors import Conflict, Invalid, LMSError
from lms_core.kernel.i18n import _
from lms_core.kernel.schemas import Schema
from lms_core.settings import SettingsError

if TYPE_CHECKING:
    from lms_core.kernel.request import Request

_NAME = re.compile(r"[a-z_]{1,50}")
HOOK = "lms_enrollment_methods"


class NothingToSay(Schema):
    """What an applicant sends where the course is all that has to be known."""


class NothingToSet(Schema):
    """What an author may set where there is nothing to choose."""


@dataclass(frozen=True, slots=True)
class JoinedCourse:
    """The course that somebody wants to join, as it is while its row is locked. ``price`` is in ``currency``."""

    id: uuid.UUID
    title: str
    price: Decimal
    currency: str


@dataclass(frozen=True, slots=True)
class Application:
    """Somebody who wants to join a course, and may as far as the core is concerned.

    ``data`` is what they sent, as the method's ``schema`` loads it; ``settings`` what the course's author chose, as
    JSON. What is written through ``db`` is committed together with the decision, and with nothing if it is a refusal.
    ``spent`` is for the method to note what it has used up on them: see :meth:`EnrollmentMethod.give_back`.
    """

    db: Session
    core: Core
    request: "Request"
    course: JoinedCourse
    user_id: uuid.UUID
    email: str
    email_verified: bool
    data: Mapping[str, Any]
    settings: Mapping[str, Any]
    spent: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Admit:
    """They are in, until ``expires_at`` where there is an end; where every place is taken, they wait for one."""

    expires_at: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class Ask:
    """The course's staff decides; ``reason`` is what the applicant says to them."""

    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Pay:
    """They are let in once they have paid, which the method tells :func:`~lms_core.enrollment.admission.admit`.

    ``gateways`` are names of ways to pay, ``reference`` names the payment to them; ``details`` are JSON values that
    the answer has besides.
    """

    amount: Decimal
    currency: str
    gateways: Sequence[str]
    reference: str
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Refuse:
    """They are not let in: 409 with a stable code, or 422 where it is about a ``field`` that they sent."""

    code: str
    message: str
    field: str | None = None

    @property
    def error(self) -> LMSError:
        if self.field is None:
            return Conflict(self.code, self.message)
        return Invalid(self.code, self.message, errors={self.field: [self.message]})


Decision = Admit | Ask | Pay | Refuse


class EnrollmentMethod:
    """A way into a course. Derive from it, and say what an applicant has to send and what becomes of it.

    Whether the course is there, has places, is open for enrollment, and what it presupposes is the core's affair.
    """

    name: ClassVar[str]
    """What a course's ``enrollmentType`` says; lower-case letters and underscores."""
    title: ClassVar[str]
    """What a person reads; translatable."""
    schema: ClassVar[type[Schema]] = NothingToSay
    """Of what an applicant sends beside ``courseId``. Give every field its limits, and a ``title`` in its metadata."""
    settings: ClassVar[type[Schema]] = NothingToSet
    """Of ``enrollmentSettings``, which the course's author chooses and everybody may read."""
    settles_price: ClassVar[bool] = False
    """Whether the method itself sees to the price of a course, be it that nobody who comes this way has to pay it.

    Where it does not, nobody joins a course that has one.
    """
    invites: ClassVar[bool] = False
    """Whether it lets in who was invited by e-mail; where it does not, nobody can be invited."""

    def decide(self, application: Application) -> Decision:
        """Let an applicant in or not; runs in their request, while the course is locked: ask no other server.

        Called as well where the course is full and has a waiting list: who would be let in then goes on that list.
        """
        raise NotImplementedError

    def give_back(self, db: Session, spent: Sequence[Mapping[str, str]]) -> None:
        """Take back what was spent on people who were to be let in, found no place, and wait for one no more.

        ``spent`` has for each what ``decide`` noted in ``application.spent``, and comes once. Runs in the transaction
        that takes them off the list, while the course is locked: ask no other server.
        """


def enrollment_methods(core: Core) -> dict[str, EnrollmentMethod]:
    """Every enrollment method by its name, in the order of the plugins' names."""
    return {each.name: each for each in core.plugins.gather(HOOK)}


def method_of(core: Core, name: str) -> EnrollmentMethod:
    """The method of a course. Raises 409 ``enrollment_method_unavailable`` where its plugin is gone."""
    found = enrollment_methods(core).get(name)
    if found is None:
        message = _("The enrollment method “${name}” is switched off.", mapping={"name": name})
        raise Conflict("enrollment_method_unavailable", message)
    return found


def check_enrollment_methods(core: Core) -> None:
    """Raises SettingsError as :func:`check_method` does, and where two plugins bring methods of one name."""
    methods: list[EnrollmentMethod] = core.plugins.gather(HOOK)
    names = [check_method(each) for each in methods]
    for name in names:
        if names.count(name) > 1:
            raise SettingsError(f"two plugins bring an enrollment method named {name}")


def check_method(method: EnrollmentMethod) -> str:
    """The method's name. Raises SettingsError where it is none, or where what is sent would hide what is ours."""
    if not _NAME.fullmatch(method.name):
        raise SettingsError(f"an enrollment method's name is of lower-case letters and underscores: {method.name!r}")
    if "courseId" in {field.data_key for field in method.schema().fields.values()}:
        raise SettingsError(f"the enrollment method {method.name} wants a courseId of its own")
    return method.name
