"""The Stripe gateway owes what every gateway owes; the server is a fake on loopback, the signatures are real."""

import json
import socket
import sys
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from lms_plugins.payment_stripe import plugin
from lms_plugins.payment_stripe.amounts import from_minor, to_minor

from lms_core.plugin_api import Charge, GatewayUnavailable, PaymentGateway, SettingsError
from lms_core.settings import Settings, load_settings
from lms_core.testing.payment_gateways import PaymentGatewayConformance, Webhook, make_charge
from lms_core.testing.plugin import TEST_SETTINGS
from tests.fixtures.fake_stripe import KEY, SECRETS, FakeStripe, fake_stripe, signed

Make = Callable[..., PaymentGateway]


@pytest.fixture
def stripe() -> Iterator[FakeStripe]:
    with fake_stripe() as fake:
        yield fake


@pytest.fixture
def make(bare_settings: Settings) -> Make:
    def make(url: str, **changes: Any) -> PaymentGateway:
        chosen = {
            "lms__stripe__secret_key": KEY, "lms__stripe__webhook_secrets": SECRETS, "lms__stripe__api_base": url,
            "lms__stripe__timeout": 5.0, **changes,
        }  # fmt: skip
        [gateway] = plugin.lms_payment_gateways(bare_settings.replace(**chosen))
        return gateway

    return make


class TestStripe(PaymentGatewayConformance):
    @pytest.fixture
    def gateway(self, make: Make, stripe: FakeStripe) -> PaymentGateway:
        return make(stripe.url)

    @pytest.fixture
    def down(self, make: Make) -> Iterator[PaymentGateway]:
        """The port is taken, so that nobody comes to listen there meanwhile."""
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            yield make(f"http://127.0.0.1:{taken.getsockname()[1]}")

    @pytest.fixture
    def webhooks(self, gateway: PaymentGateway, stripe: FakeStripe) -> list[Webhook]:
        gateway.checkout(make_charge())
        expired = stripe.event("checkout.session.expired", stripe.session)
        failed = stripe.event("checkout.session.async_payment_failed", stripe.session)
        told = [
            stripe.pay(), expired, failed, stripe.give_back(100), stripe.dispute("created"),
            stripe.dispute("closed", "won"), stripe.dispute("closed", "lost"),
        ]  # fmt: skip
        sent = [signed(event) for event in told]
        return [(body, {name.lower(): value for name, value in headers.items()}) for body, headers in sent]


def paid(gateway: PaymentGateway, stripe: FakeStripe, charge: Charge) -> Charge:
    """The charge, once it is paid."""
    reference = gateway.checkout(charge).reference
    stripe.pay()
    return replace(charge, reference=reference, charge=stripe.session["payment_intent"])


def test_nothing_is_sent_that_could_name_a_person(make: Make, stripe: FakeStripe) -> None:
    charge = replace(make_charge(), course_title="x" * 300)
    make(stripe.url).checkout(charge)
    [(method, path, form)] = stripe.requests
    assert (method, path) == ("POST", "/v1/checkout/sessions")
    assert form["client_reference_id"] == form["metadata[payment_id]"] == str(charge.payment_id)
    assert form["expires_at"] == str(int(charge.expires_at.timestamp()))
    assert len(form["line_items[0][price_data][product_data][name]"]) == 250
    assert not [name for name in form if "email" in name or "customer" in name]


def test_what_became_of_a_checkout(make: Make, stripe: FakeStripe) -> None:
    gateway = make(stripe.url)
    charge = paid(gateway, stripe, make_charge("12.34", "KWD"))
    event = gateway.look_up(charge)
    assert event is not None
    assert (event.kind, event.amount, event.currency, event.payment_id) == (
        "paid", Decimal("12.340"), "KWD", charge.payment_id,
    )  # fmt: skip
    gateway.withdraw(charge)
    assert gateway.look_up(charge) == event


def test_a_refund_is_made_once(make: Make, stripe: FakeStripe) -> None:
    gateway = make(stripe.url)
    charge = paid(gateway, stripe, make_charge())
    refund = uuid.uuid4()
    first = gateway.refund(charge, Decimal("9.00"), refund)
    assert first.total == Decimal("9.00")
    assert gateway.refund(charge, Decimal("9.00"), refund).reference == first.reference
    # Without the charge it is found by the checkout.
    rest = gateway.refund(replace(charge, charge=None), None, uuid.uuid4())
    assert rest.total == Decimal("49.00")
    with pytest.raises(GatewayUnavailable):
        gateway.refund(charge, Decimal("1.00"), uuid.uuid4())


def test_what_concerns_nobody_is_passed_by(make: Make, stripe: FakeStripe) -> None:
    gateway = make(stripe.url)
    for event in (
        stripe.event("invoice.paid", {"id": "in_1"}),
        stripe.event("checkout.session.completed", {"id": "cs_1", "payment_status": "unpaid"}),
        stripe.event("charge.dispute.closed", {"id": "dp_1", "status": "warning_closed", "payment_intent": "pi_1"}),
    ):
        body, headers = signed(event)
        assert gateway.read_webhook(body, {"stripe-signature": headers["Stripe-Signature"]}) is None


@pytest.mark.parametrize(
    ("amount", "currency", "minor"),
    [
        ("10", "USD", 1000), ("0.01", "EUR", 1), ("500", "JPY", 500), ("5.12", "KWD", 5120), ("5", "ISK", 500),
        ("45.50", "HUF", 4550), ("999999.99", "EUR", 99_999_999),
    ],
)  # fmt: skip
def test_amounts_in_stripes_units(amount: str, currency: str, minor: int) -> None:
    assert to_minor(Decimal(amount), currency) == minor
    assert from_minor(minor, currency) == Decimal(amount)


@pytest.mark.parametrize(
    ("amount", "currency"),
    [("0.5", "JPY"), ("5.5", "ISK"), ("5", "UGX"), ("0.001", "EUR"), ("0", "EUR"), ("-1", "EUR"), ("1000000", "EUR"),
     ("NaN", "EUR"), ("0.0001", "KWD")],
)  # fmt: skip
def test_what_cannot_be_charged_exactly_is_not_charged(
    make: Make, stripe: FakeStripe, amount: str, currency: str
) -> None:
    assert not make(stripe.url).serves(Decimal(amount), currency)


def test_what_the_settings_must_say(make: Make, bare_settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    assert plugin.lms_payment_gateways(bare_settings) == []
    with pytest.raises(SettingsError, match="webhook_secrets"):
        make("https://api.stripe.com", lms__stripe__webhook_secrets=())
    raw = {**TEST_SETTINGS, "sqlalchemy.url": "embedded:", "lms.stripe.api_base": "http://api.stripe.com"}
    with pytest.raises(SettingsError, match=r"lms\.stripe\.api_base"):
        load_settings(raw, {}, plugin.lms_settings())
    monkeypatch.setitem(sys.modules, "stripe", None)
    monkeypatch.delitem(sys.modules, "lms_plugins.payment_stripe.gateway", raising=False)
    with pytest.raises(SettingsError, match=r"lms-core\[stripe\]"):
        make("https://api.stripe.com")


def test_a_body_is_read_only_once_it_is_believed(make: Make, stripe: FakeStripe) -> None:
    gateway = make(stripe.url)
    gateway.checkout(make_charge())
    body, headers = signed(stripe.pay(), secret=SECRETS[1])
    event = gateway.read_webhook(body, {"stripe-signature": headers["Stripe-Signature"]})
    assert event is not None
    assert event.id == json.loads(body)["id"]
