"""Enrollment by approval: the course's staff decides, and may want to know why somebody wants to join.

An applicant sends ``{"reason": "..."}``; an author sets ``{"question": "...", "reasonRequired": true}``.
"""

from lms_core.plugin_api import Application, Ask, Decision, EnrollmentMethod, Refuse, Schema, Text, _, fields, hookimpl

api_version = "1"


class Reason(Schema):
    """What an applicant says to the course's staff."""

    reason = Text(max=2000, multiline=True, allow_none=True, metadata={"title": _("Why you want to join")})


class Wishes(Schema):
    """What the course's staff wants to know."""

    question = Text(max=500, metadata={"title": _("What applicants are asked")})
    reason_required = fields.Boolean(metadata={"title": _("Applicants have to answer")})


class ApprovedEnrollment(EnrollmentMethod):
    name = "approval"
    title = _("By approval")
    schema = Reason
    settings = Wishes

    def decide(self, application: Application) -> Decision:
        reason = application.data.get("reason") or None
        if reason is None and application.settings.get("reasonRequired"):
            return Refuse("reason_required", _("Say why you want to join."), field="reason")
        return Ask(reason)


@hookimpl
def lms_enrollment_methods() -> list[EnrollmentMethod]:
    return [ApprovedEnrollment()]
