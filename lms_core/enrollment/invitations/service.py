"""Commands on invitations. Each runs in the caller's transaction; raising rolls it back.

Every command locks the course first, as giving out places does: an invitation is accepted, declined, revoked and sent
again one after another. Nothing that the staff learns depends on whether an address has an account, unless that account
is in the course already.
"""

import datetime as dt
import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from babel.dates import format_date
from marshmallow import ValidationError
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from lms_core.accounts.fields import EmailAddress
from lms_core.accounts.models import User
from lms_core.accounts.queries import LIVING
from lms_core.courses.models import Course
from lms_core.courses.service import lock_course
from lms_core.enrollment.invitations.queries import STATUS
from lms_core.enrollment.methods import Application, Refuse, method_of
from lms_core.enrollment.models import Enrollment, Invitation
from lms_core.enrollment.queries import ENROLLED
from lms_core.kernel.core import Core
from lms_core.kernel.errors import Conflict, Invalid, NotFound, TooMany
from lms_core.kernel.events import publish_all
from lms_core.kernel.i18n import _
from lms_core.kernel.mail import MailQueued, mail
from lms_core.kernel.ratelimit import throttle_account
from lms_core.kernel.tokens import hash_token, new_token

if TYPE_CHECKING:
    from lms_core.kernel.request import Request

AGAIN_AFTER = dt.timedelta(hours=1)
"""How soon the same invitation can be mailed again."""
_ADDRESS = EmailAddress()
_SPENT = "invitation"
_UNKNOWN = _("This link belongs to no invitation; a newer mail may have another one.")


@dataclass(frozen=True, slots=True)
class Letter:
    """What the mail says: until when the invitation is good, and what the staff have to say to who is invited."""

    expires_at: dt.datetime
    message: str | None = None


@dataclass(frozen=True, slots=True)
class Invited:
    """What became of an address."""

    email: str
    outcome: str
    id: uuid.UUID | None = None


@dataclass(frozen=True, slots=True)
class _Known:
    """What we know of an address: the account's language, and whether it is in the course."""

    language: str
    enrolled: bool


def invite(
    db: Session, request: "Request", course_id: uuid.UUID, addresses: Sequence[str], letter: Letter
) -> list[Invited]:
    """Invite addresses to a course, and answer for each, in order, what became of it.

    Mailed is who is ``invited``; nobody is where the outcome is ``already_invited``, ``already_enrolled``,
    ``declined`` (until the invitation would have ended), ``named_twice``, ``invalid`` or ``too_many_requests``.
    Raises 404; 409 ``course_archived``, ``course_not_published``, ``invitations_unused``.
    """
    core = request.core
    course = _lock_inviting(db, core, course_id)
    read = [_read(address) for address in addresses]
    keys = {address.lower() for address in read if address is not None}
    known = _known(db, course_id, keys)
    earlier = _earlier(db, course_id, keys)
    results, seen = list[Invited](), set[str]()
    mailed = list[tuple[Invitation, str, str]]()
    for sent, address in zip(addresses, read, strict=True):
        key = (address or "").lower()
        invitation = earlier.get(key)
        outcome = "invalid" if address is None else "named_twice" if key in seen else None
        outcome = outcome or _in_the_way(core, invitation, known.get(key)) or _slowed_down(request, key)
        seen.add(key)
        if outcome is None and address is not None:
            invitation = invitation or _new(core, course_id, address)
            token = _renew(core, invitation, letter, request.caller.user_id)
            mailed.append((invitation, token, known[key].language if key in known else course.language))
        results.append(Invited(sent, outcome or "invited", invitation.id if invitation is not None else None))
    db.add_all(invitation for invitation, _token, _language in mailed)
    db.flush()
    _mail(db, core, course, request.caller.user_id, mailed)
    return results


def _new(core: Core, course_id: uuid.UUID, address: str) -> Invitation:
    """With all its values, so that the database need not tell any, and many are inserted at once."""
    now = core.clock()
    return Invitation(id=uuid.uuid4(), course_id=course_id, email=address, sent_count=0, sent_at=now, created_at=now)


def _read(address: str) -> str | None:
    """The address as accounts write it; None where it is none."""
    try:
        read: str = _ADDRESS.deserialize(address)
    except ValidationError:
        return None
    return read


def _lock_inviting(db: Session, core: Core, course_id: uuid.UUID) -> Course:
    """A course in which invitations are good for something."""
    course = lock_course(db, course_id)
    if not course.is_published:
        raise Conflict("course_not_published", _("Publish the course first: who is invited could not see it."))
    if not method_of(core, course.enrollment_type).invites:
        message = _("This course is not joined by invitation; change how it is joined first.")
        raise Conflict("invitations_unused", message)
    return course


def _known(db: Session, course_id: uuid.UUID, keys: Collection[str]) -> Mapping[str, _Known]:
    address = func.lower(User.email)
    there = Enrollment.course_id == course_id
    rows = db.execute(
        select(address, User.preferred_language, func.coalesce(ENROLLED, False))
        .outerjoin_from(User, Enrollment, (Enrollment.user_id == User.id) & there)
        .where(address.in_(keys), LIVING)
    )
    return {email: _Known(language, enrolled) for email, language, enrolled in rows}


def _earlier(db: Session, course_id: uuid.UUID, keys: Collection[str]) -> dict[str, Invitation]:
    chosen = select(Invitation).where(Invitation.course_id == course_id, func.lower(Invitation.email).in_(keys))
    found = db.scalars(chosen, execution_options={"populate_existing": True})
    return {each.email.lower(): each for each in found}


def _in_the_way(core: Core, invitation: Invitation | None, known: _Known | None) -> str | None:
    """Why an address gets no mail."""
    if known is not None and known.enrolled:
        return "already_enrolled"
    if invitation is None or invitation.expires_at <= core.clock():
        return None
    return {"pending": "already_invited", "declined": "declined"}.get(invitation.status)


def _slowed_down(request: "Request", address: str) -> str | None:
    try:
        throttle_account(request, "invitation", address)
    except TooMany as error:
        return error.code
    return None


def _renew(core: Core, invitation: Invitation, letter: Letter, actor_id: uuid.UUID) -> str:
    """The token of a link that has not been; those before open nothing any more."""
    token = new_token()
    invitation.status, invitation.token_hash, invitation.invited_by = "pending", hash_token(token), actor_id
    invitation.message, invitation.expires_at = letter.message, letter.expires_at
    invitation.user_id = invitation.ended_at = None
    invitation.sent_at, invitation.sent_count = core.clock(), invitation.sent_count + 1
    return token


def _mail(
    db: Session, core: Core, course: Course, actor_id: uuid.UUID, mailed: Iterable[tuple[Invitation, str, str]]
) -> None:
    inviter = db.scalar(select(User.full_name).where(User.id == actor_id)) or ""
    site = core.settings.text("lms.url").rstrip("/")
    mails = list[MailQueued]()
    for invitation, token, language in mailed:
        locale = core.i18n.localizer(language).locale_name
        context = {
            "course": course.title, "inviter": inviter, "message": invitation.message, "email": invitation.email,
            "until": format_date(invitation.expires_at, "long", locale), "link": f"{site}/invitation?token={token}",
        }  # fmt: skip
        template = "enrollment.invitations:invitation"
        mails.append(mail(core, to=invitation.email, template=template, context=context, locale=locale))
    publish_all(db, mails)


def send_again(db: Session, request: "Request", course_id: uuid.UUID, invitation_id: uuid.UUID) -> None:
    """Mail an invitation once more, with a new link and all its time before it.

    Raises 404; 409 as :func:`invite`, and named after the state: ``invitation_accepted``, ``invitation_declined``,
    ``invitation_revoked``; 429 within :data:`AGAIN_AFTER`, and where the address gets too many.
    """
    core = request.core
    course = _lock_inviting(db, core, course_id)
    invitation = _of_course(db, course_id, invitation_id)
    if invitation.status != "pending":
        raise _ended(invitation.status)
    wait = (invitation.sent_at + AGAIN_AFTER - core.clock()).total_seconds()
    if wait > 0:
        raise TooMany("too_many_requests", _("This invitation was mailed a moment ago."), retry_after=wait)
    throttle_account(request, "invitation", invitation.email.lower())
    letter = Letter(max(invitation.expires_at, ending(core)), invitation.message)
    token = _renew(core, invitation, letter, request.caller.user_id)
    db.flush()
    known = _known(db, course_id, [invitation.email.lower()]).get(invitation.email.lower())
    language = known.language if known is not None else course.language
    _mail(db, core, course, request.caller.user_id, [(invitation, token, language)])


def ending(core: Core) -> dt.datetime:
    """When an invitation of now ends, if nobody says another time."""
    return core.clock() + dt.timedelta(seconds=core.settings.seconds("lms.invitations.ttl"))


def revoke(db: Session, core: Core, course_id: uuid.UUID, invitation_id: uuid.UUID) -> None:
    """From now on it lets nobody in; who is in stays. Doing so again changes nothing. Raises 404."""
    lock_course(db, course_id, archived=True)
    _end(db, core, _of_course(db, course_id, invitation_id), "revoked")


def decline(db: Session, core: Core, course_id: uuid.UUID, invitation_id: uuid.UUID) -> None:
    """Who was invited does not want to come; until the invitation ends they may think better of it.

    Raises 404; 409 ``invitation_accepted``, ``invitation_revoked``.
    """
    lock_course(db, course_id, archived=True)
    invitation = _of_course(db, course_id, invitation_id)
    if invitation.status in ("accepted", "revoked"):
        raise _ended(invitation.status)
    _end(db, core, invitation, "declined")


def _of_course(db: Session, course_id: uuid.UUID, invitation_id: uuid.UUID) -> Invitation:
    invitation = db.get(Invitation, invitation_id, populate_existing=True)
    if invitation is None or invitation.course_id != course_id:
        raise NotFound()
    return invitation


def _end(db: Session, core: Core, invitation: Invitation, status: str) -> None:
    if invitation.status != status:
        invitation.status, invitation.ended_at = status, core.clock()
        db.flush()


def _ended(status: str) -> Conflict:
    refusals = {
        "accepted": Conflict("invitation_accepted", _("This invitation has been accepted.")),
        "declined": Conflict("invitation_declined", _("This invitation has been declined.")),
        "revoked": Conflict("invitation_revoked", _("This invitation has been revoked.")),
    }
    return refusals[status]


def unknown_link() -> Invalid:
    """422 ``invitation_unknown``."""
    return Invalid("invitation_unknown", _UNKNOWN, errors={"token": [_UNKNOWN]})


def use_invitation(application: Application, token: str | None = None) -> Refuse | None:
    """Take an applicant's invitation as accepted, or say why they have none: for a method that lets in who is invited.

    They are known by their verified address. The ``token`` of a link only tells whom it was sent to, should it not have
    been them. Who was let in and has left may come back, until the invitation ends or is revoked. Where they wait for a
    place then and get none, the method's ``give_back`` hands on to :func:`give_back_invitations`.
    """
    db, now = application.db, application.core.clock()
    invitation = _earlier(db, application.course.id, [application.email.lower()]).get(application.email.lower())
    if invitation is None or not application.email_verified:
        return _uninvited(application, token)
    if invitation.status == "revoked":
        return Refuse("invitation_revoked", _("This invitation has been revoked."))
    if invitation.expires_at <= now:
        return Refuse("invitation_expired", _("This invitation has expired; ask for another one."))
    if invitation.status == "accepted":
        mine = invitation.user_id == application.user_id
        return None if mine else Refuse("invitation_accepted", _("This invitation has been accepted."))
    application.spent[_SPENT] = str(invitation.id)
    invitation.status, invitation.user_id, invitation.ended_at = "accepted", application.user_id, now
    db.flush()
    return None


def give_back_invitations(db: Session, spent: Iterable[Mapping[str, str]]) -> None:
    """Invitations that :func:`use_invitation` took as accepted wait for an answer again, unless they were revoked."""
    ids = [uuid.UUID(each[_SPENT]) for each in spent if _SPENT in each]
    taken = update(Invitation).where(Invitation.id.in_(ids), Invitation.status == "accepted")
    db.execute(taken.values(status="pending", user_id=None, ended_at=None),
               execution_options={"synchronize_session": False})  # fmt: skip


def _uninvited(application: Application, token: str | None) -> Refuse:
    if token is None:
        return Refuse("invitation_required", _("This course can be joined by invitation only."))
    there = (Invitation.course_id == application.course.id, Invitation.token_hash == hash_token(token))
    if application.db.scalar(select(STATUS).where(*there)) is None:
        return Refuse("invitation_unknown", _UNKNOWN, field="token")
    message = _("This invitation is for another address; sign in with that one, or ask for an invitation to yours.")
    return Refuse("invitation_of_another", message, field="token")
