"""Enrollment by payment: whoever has paid is in; what costs nothing, everybody may take.

An applicant may send ``{"voucher": "SPRING-2026"}``. The gateways are plugins of their own.
"""

from collections.abc import Mapping, Sequence

from sqlalchemy.orm import Session

from lms_core.plugin_api import (
    Application,
    Decision,
    EnrollmentMethod,
    Schema,
    Text,
    _,
    ask_to_pay,
    give_back_vouchers,
    hookimpl,
)

api_version = "1"


class Lowered(Schema):
    """What an applicant may bring."""

    voucher = Text(min=1, max=50, allow_none=True, metadata={"title": _("Voucher"), "example": "SPRING-2026"})


class PaidEnrollment(EnrollmentMethod):
    name = "payment"
    title = _("By payment")
    schema = Lowered
    settles_price = True

    def decide(self, application: Application) -> Decision:
        return ask_to_pay(application, application.data.get("voucher"))

    def give_back(self, db: Session, spent: Sequence[Mapping[str, str]]) -> None:
        give_back_vouchers(db, spent)


@hookimpl
def lms_enrollment_methods() -> list[EnrollmentMethod]:
    return [PaidEnrollment()]
