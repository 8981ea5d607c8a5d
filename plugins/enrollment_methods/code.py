"""Enrollment by access code: whoever has one that the course's staff gave out is in, whatever the course costs.

An applicant sends ``{"code": "..."}``.
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
    give_back_access_codes,
    hookimpl,
    use_access_code,
)

api_version = "1"


class Code(Schema):
    """The code."""

    code = Text(min=1, max=100, required=True, metadata={"title": _("Access code")})


class CodeEnrollment(EnrollmentMethod):
    name = "code"
    title = _("By access code")
    schema = Code
    settles_price = True

    def decide(self, application: Application) -> Decision:
        return use_access_code(application, application.data["code"]) or Admit()

    def give_back(self, db: Session, spent: Sequence[Mapping[str, str]]) -> None:
        give_back_access_codes(db, spent)


@hookimpl
def lms_enrollment_methods() -> list[EnrollmentMethod]:
    return [CodeEnrollment()]
