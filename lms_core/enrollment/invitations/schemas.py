"""The representations of invitations."""

import datetime as dt

from marshmallow import ValidationError, fields, validate, validates

from lms_core.accounts.fields import EMAIL_LENGTH
from lms_core.enrollment.invitations.queries import LONGEST_DAYS, MOST
from lms_core.enrollment.schemas import ApplicantSchema, JoinedCourseSchema
from lms_core.kernel.i18n import _
from lms_core.kernel.pagination import PageQuery
from lms_core.kernel.schemas import Part, Schema, Text, Timestamp

STATUSES = ("pending", "accepted", "declined", "revoked", "expired")
OUTCOMES = (
    "invited", "already_invited", "already_enrolled", "declined", "named_twice", "invalid", "too_many_requests",
)  # fmt: skip
_STATUS = {"enum": list(STATUSES), "example": "pending"}


class InviterSchema(ApplicantSchema):
    """Who has invited."""


class ReceivedInvitationSchema(Schema):
    """An invitation as who was invited sees it."""

    id = fields.UUID()
    course_id = fields.UUID()
    course = Part(JoinedCourseSchema, "course_")
    email = fields.String(metadata={"description": "The address that is invited, and no other."})
    status = fields.String(metadata=_STATUS)
    message = fields.String(allow_none=True)
    inviter = Part(InviterSchema, "inviter_")
    expires_at = Timestamp()
    created_at = Timestamp()


class InvitationSchema(ReceivedInvitationSchema):
    """An invitation as who runs the course sees it."""

    user_id = fields.UUID(allow_none=True, metadata={"description": "Who has accepted it."})
    sent_at = Timestamp(metadata={"description": "When it was last mailed."})
    sent_count = fields.Integer()
    ended_at = Timestamp(allow_none=True, metadata={"description": "When it was accepted, declined or revoked."})


class InviteOptions(Schema):
    """What an invitation says besides."""

    message = Text(max=1000, multiline=True, allow_none=True, load_default=None,
                   metadata={"description": "Plain text, which stands in the mail."})  # fmt: skip
    expires_at = Timestamp(
        allow_none=True, load_default=None,
        metadata={"description": "Without it, `lms.invitations.ttl` from now."},
    )  # fmt: skip

    @validates("expires_at")
    def _time(self, value: dt.datetime | None, data_key: str) -> None:
        now = dt.datetime.now(dt.UTC)
        if value is not None and not now < value <= now + dt.timedelta(days=LONGEST_DAYS):
            message = _("Must be in the future, by ${days} days at most.", mapping={"days": LONGEST_DAYS})
            raise ValidationError(message)


class InviteSchema(InviteOptions):
    """Whom to invite."""

    emails = fields.List(
        Text(max=EMAIL_LENGTH, metadata={"example": "robin@example.org"}), required=True,
        validate=validate.Length(1, MOST),
    )  # fmt: skip


class InvitedSchema(Schema):
    """What became of one address. Whether it has an account is not said."""

    email = fields.String()
    outcome = fields.String(metadata={"enum": list(OUTCOMES), "example": "invited"})
    id = fields.UUID(allow_none=True, metadata={"description": "Of the invitation, where there is one."})


class InvitationsQuery(PageQuery):
    """Which invitations of a course."""

    status = fields.String(validate=validate.OneOf(STATUSES), load_default=None)
    search = Text(max=100, load_default="", metadata={"description": "Part of an address."})


class InvitationLinkSchema(Schema):
    """The token of an invitation's link."""

    token = Text(min=1, max=200, required=True)
