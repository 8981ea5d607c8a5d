"""A school that takes money: by Stripe, which is a server of the tests' own, and by hand."""

from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import select

from lms_core.enrollment.models import Enrollment
from lms_core.enrollment.payments.models import Payment
from lms_core.kernel.tasks import run_periodic
from lms_core.testing.accounts import bearer, make_user
from lms_core.testing.client import Client
from lms_core.testing.courses import make_course
from tests.fixtures.fake_stripe import KEY, SECRETS, FakeStripe, fake_stripe, signed

API = "/api/v1"


@dataclass(frozen=True)
class Payer:
    """Somebody who applies for courses of the school."""

    id: Any
    client: Client

    def enroll(self, course: Any, status: int = 402, **more: Any) -> Any:
        body = {"courseId": str(course.id), **more}
        return self.client.post_json(f"{API}/enrollments", body, status=status).json

    def ask(self, course: Any, **more: Any) -> Any:
        """What is to be paid."""
        return self.enroll(course, **more)["payment"]

    def check_out(self, payment: Any, gateway: str = "stripe", status: int = 200) -> Any:
        url = f"{API}/payments/{payment['reference']}/checkout"
        return self.client.post_json(url, {"gateway": gateway}, status=status).json

    def read(self, payment: Any) -> Any:
        return self.client.get(f"{API}/payments/{payment['reference']}").json


class School:
    """An application with gateways, over the database of the test."""

    def __init__(self, client: Client, core: Any, stripe: FakeStripe) -> None:
        self.client, self.core, self.stripe = client, core, stripe
        self.registry = client.app.registry
        self.owner = self.person("instructor")

    def person(self, *groups: str, **fields: Any) -> Payer:
        user = make_user(self.core, groups or ("student",), **fields)
        return Payer(user.id, self.client.bearer(bearer(self.core, user)))

    def course(self, **values: Any) -> Any:
        chosen = {"price": "49", "currency": "EUR", "enrollment_type": "payment", **values}
        return make_course(self.core, self.owner.id, **chosen)

    def tell(self, event: Any, status: int = 204, **sent: Any) -> Any:
        """Stripe calls."""
        body, headers = signed(event, **sent)
        return self.client.send("POST", f"{API}/payments/webhooks/stripe", body, headers=headers, status=status)

    def run(self, task: str) -> None:
        run_periodic(self.registry, task)

    def begun(self, course: Any, **more: Any) -> tuple[Payer, Any]:
        """Somebody who is on Stripe's page."""
        payer = self.person()
        payment = payer.ask(course, **more)
        payer.check_out(payment)
        return payer, payment

    def paid(self, course: Any, **more: Any) -> tuple[Payer, Any]:
        """Somebody who has paid there, and of whom we were told."""
        payer, payment = self.begun(course, **more)
        self.tell(self.stripe.pay())
        return payer, payment

    def enrollment(self, payer: Payer) -> str | None:
        """The state of somebody's only enrollment."""
        with self.core.reader() as db:
            return db.scalar(select(Enrollment.status).where(Enrollment.user_id == payer.id))

    def enrollment_id(self, payer: Payer) -> Any:
        with self.core.reader() as db:
            return db.scalar(select(Enrollment.id).where(Enrollment.user_id == payer.id))

    def payment(self, payment: Any) -> Any:
        with self.core.reader() as db:
            return db.execute(select(Payment.__table__).where(Payment.id == payment["reference"])).one()


@pytest.fixture
def stripe():
    with fake_stripe() as fake:
        yield fake


@pytest.fixture
def school(make_app, core, stripe):
    client = make_app(
        lms__stripe__secret_key=KEY, lms__stripe__webhook_secrets=SECRETS, lms__stripe__api_base=stripe.url,
        lms__stripe__timeout=5.0, lms__payment_manual__instructions="Transfer it and name {reference}.",
    )  # fmt: skip
    return School(client, core, stripe)
