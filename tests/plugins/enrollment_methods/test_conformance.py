"""The bundled enrollment methods, and one of an institution's own, owe what every such method owes."""

import datetime as dt
import uuid
from typing import Any

import pytest
from lms_plugins.enrollment_methods import approval, code, invite, open, payment  # noqa: A004  # So is it called.
from lms_plugins.payment_manual import ManualGateway
from pyramid.registry import Registry
from sqlalchemy.orm import Session

from lms_core.accounts.models import User
from lms_core.enrollment.models import AccessCode, Invitation
from lms_core.enrollment.payments.vouchers import make_voucher
from lms_core.plugin_api import EnrollmentMethod
from lms_core.testing.enrollment_methods import Arrange, EnrollmentMethodConformance
from tests.fixtures.toy_enrollment import PasswordEnrollment


class TestOpen(EnrollmentMethodConformance):
    @pytest.fixture
    def method(self) -> EnrollmentMethod:
        return open.OpenEnrollment()

    @pytest.fixture
    def examples(self) -> list[dict[str, Any]]:
        return [{}]


class TestApproval(EnrollmentMethodConformance):
    @pytest.fixture
    def method(self) -> EnrollmentMethod:
        return approval.ApprovedEnrollment()

    @pytest.fixture
    def examples(self) -> list[dict[str, Any]]:
        return [{"reason": "Because\nit is there."}]

    @pytest.fixture
    def chosen(self) -> list[dict[str, Any]]:
        return [{}, {"question": "Why?", "reasonRequired": True}, {"reasonRequired": False}]


class TestPayment(EnrollmentMethodConformance):
    price = "49"

    @pytest.fixture(autouse=True)
    def offered(self, registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
        """There is a way to pay."""
        gateways = {"manual": ManualGateway("At the desk.", dt.timedelta(days=14))}
        monkeypatch.setattr(registry, "payment_gateways", gateways)

    @pytest.fixture
    def method(self) -> EnrollmentMethod:
        return payment.PaidEnrollment()

    @pytest.fixture
    def arrange(self) -> Arrange:
        def make(db: Session, _course_id: uuid.UUID, applicant: User) -> None:
            make_voucher(db, None, applicant.id, {"code": "SPRING", "percent": 50})

        return make

    @pytest.fixture
    def examples(self) -> list[dict[str, Any]]:
        return [{"voucher": "spring"}]


class TestCode(EnrollmentMethodConformance):
    price = "9.90"

    @pytest.fixture
    def method(self) -> EnrollmentMethod:
        return code.CodeEnrollment()

    @pytest.fixture
    def examples(self) -> list[dict[str, Any]]:
        return [{"code": "OPEN-DAY-1"}, {"code": "open day 1"}]

    @pytest.fixture
    def arrange(self) -> Arrange:
        return lambda db, course_id, _user: db.add(AccessCode(course_id=course_id, code="OPEN-DAY-1"))


class TestInvite(EnrollmentMethodConformance):
    price = "9.90"

    @pytest.fixture
    def method(self) -> EnrollmentMethod:
        return invite.InvitedEnrollment()

    @pytest.fixture
    def examples(self) -> list[dict[str, Any]]:
        return [{"token": "of-a-link"}, {"token": None}, {}]

    @pytest.fixture
    def arrange(self) -> Arrange:
        def make(db: Session, course_id: uuid.UUID, applicant: User) -> None:
            until = dt.datetime.now(dt.UTC) + dt.timedelta(days=1)
            db.add(Invitation(course_id=course_id, email=applicant.email, token_hash="0", expires_at=until))

        return make


class TestToy(EnrollmentMethodConformance):
    price = "12.50"

    @pytest.fixture
    def method(self) -> EnrollmentMethod:
        return PasswordEnrollment()

    @pytest.fixture
    def examples(self) -> list[dict[str, Any]]:
        return [{"word": "sesame"}, {"word": "sesame", "paying": True}]

    @pytest.fixture
    def chosen(self) -> list[dict[str, Any]]:
        return [{"word": "sesame"}]
