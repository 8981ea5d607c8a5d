"""Enrollment by invitation: whose address the course's staff has invited is in, whatever the course costs.

An applicant may send ``{"token": "..."}``, that of the link in the mail; who has the invited address needs none.
"""

from collections.abc import Mapping, Sequence

from sqlalchemy.orm import Session

from lms_core.plugin_api import (
    Admit,
    Application,
    Decision,
    EnrollmentMethod,
    Schema,
    Text,
    _,
    give_back_invitations,
    hookimpl,
    use_invitation,
)

api_version = "1"


class Link(Schema):
    """The token of a link."""

    token = Text(min=1, max=200, allow_none=True, metadata={"title": _("Token of the invitation's link")})


class InvitedEnrollment(EnrollmentMethod):
    name = "invite"
    title = _("By invitation")
    schema = Link
    settles_price = True
    invites = True

    def decide(self, application: Application) -> Decision:
        return use_invitation(application, application.data.get("token")) or Admit()

    def give_back(self, db: Session, spent: Sequence[Mapping[str, str]]) -> None:
        give_back_invitations(db, spent)


@hookimpl
def lms_enrollment_methods() -> list[EnrollmentMethod]:
    return [InvitedEnrollment()]
