"""The conformance suite of ``lms_payment_gateways``: what every gateway owes the core, and the people who pay by it.

Subclass it in a test module, give it a gateway and what its server would send; pytest runs the rest::

    class TestMine(PaymentGatewayConformance):
        @pytest.fixture
        def gateway(self) -> PaymentGateway:
            return MyGateway(...)

        @pytest.fixture
        def webhooks(self) -> list[Webhook]:
            return [(body, {"x-signature": "..."})]

A gateway with a server gives ``down`` too: one whose server does not answer.
"""

import datetime as dt
import re
import typing
import uuid
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from decimal import Decimal

import pytest

from lms_core.enrollment.payments.gateways import (
    Charge,
    Checkout,
    GatewayEvent,
    GatewayUnavailable,
    News,
    PaymentGateway,
    WebhookRefused,
)

Webhook = tuple[bytes, Mapping[str, str]]
"""A body, and the headers that it comes with, their names in lower case."""

_NAME = re.compile(r"[a-z][a-z0-9_]{0,49}")
AMOUNTS = ("0.01", "0.50", "10", "49.99", "1000", "99999999.99", "0", "-1", "0.001")
CURRENCIES = ("EUR", "USD", "JPY", "KWD", "ISK", "UGX", "XXX", "ZZZ")
HOSTILE = (b"", b"\x00", b"\xff\xfe", b"null", b"[]", b"{}", b'"x"', b"[" * 10_000, b"NaN", b'{"id":1}')


class PaymentGatewayConformance:
    """``gateway`` is the author's to give, ``webhooks`` and ``down`` where there is such a thing."""

    @pytest.fixture
    def gateway(self) -> PaymentGateway:
        raise NotImplementedError("override the fixture `gateway`: the gateway under test")

    @pytest.fixture
    def down(self) -> PaymentGateway | None:
        """One whose server does not answer; None where there is no server."""
        return None

    @pytest.fixture
    def webhooks(self) -> list[Webhook]:
        """What its server would send, each about another thing that can happen."""
        return []

    @pytest.fixture
    def charge(self) -> Charge:
        """Something to pay that the gateway serves."""
        return make_charge()

    # What it says of itself.

    def test_it_has_a_name_and_a_title(self, gateway: PaymentGateway) -> None:
        assert _NAME.fullmatch(gateway.name)
        assert str(gateway.title).strip()
        assert gateway.lifetime is None or gateway.lifetime > dt.timedelta(0)

    def test_it_knows_what_can_be_paid(self, gateway: PaymentGateway, charge: Charge) -> None:
        for amount in AMOUNTS:
            for currency in CURRENCIES:
                assert gateway.serves(Decimal(amount), currency) in (True, False)
        assert gateway.serves(charge.amount, charge.currency)

    # Paying.

    def test_a_payment_has_one_checkout(self, gateway: PaymentGateway, charge: Charge) -> None:
        first = gateway.checkout(charge)
        _check(first)
        assert gateway.checkout(charge) == first, "the same payment has the same checkout"
        other = gateway.checkout(replace(charge, payment_id=uuid.uuid4()))
        assert first.reference is None or other.reference != first.reference

    def test_asked_by_many_at_once(self, gateway: PaymentGateway, charge: Charge) -> None:
        with ThreadPoolExecutor(6) as pool:
            made = list(pool.map(gateway.checkout, [charge] * 6))
        assert made == made[:1] * 6

    def test_what_nobody_has_paid_is_open_until_it_is_withdrawn(self, gateway: PaymentGateway, charge: Charge) -> None:
        asked = replace(charge, reference=gateway.checkout(charge).reference)
        assert gateway.look_up(asked) is None
        for _time in range(2):
            gateway.withdraw(asked)
        ended = gateway.look_up(asked)
        assert ended is None or ended.kind == "expired"

    def test_a_gateway_that_is_down_says_so(self, down: PaymentGateway | None, charge: Charge) -> None:
        if down is None:
            return
        known = replace(charge, reference="reference", charge="charge")
        calls = (
            lambda: down.checkout(charge),
            lambda: down.look_up(known),
            lambda: down.withdraw(known),
            lambda: down.refund(known, None, uuid.uuid4()),
        )
        for call in calls:
            with pytest.raises(GatewayUnavailable) as raised:
                call()
            assert raised.value.__cause__ is not None, "what went wrong is the cause, for the log"

    # Being told.

    def test_nobody_is_believed_without_a_signature(self, gateway: PaymentGateway, webhooks: list[Webhook]) -> None:
        headers = [{}, *(dict.fromkeys(sent, "x") for _body, sent in webhooks)]
        for body in (*HOSTILE, *(body for body, _headers in webhooks)):
            for sent in headers:
                with pytest.raises(WebhookRefused):
                    gateway.read_webhook(body, sent)

    def test_what_was_changed_on_its_way_is_refused(self, gateway: PaymentGateway, webhooks: list[Webhook]) -> None:
        for body, headers in webhooks:
            for place in range(0, len(body), max(1, len(body) // 50)):
                changed = bytes((body[place] ^ 1,))
                with pytest.raises(WebhookRefused):
                    gateway.read_webhook(body[:place] + changed + body[place + 1 :], headers)
            with pytest.raises(WebhookRefused):
                gateway.read_webhook(body + b" ", headers)

    def test_what_its_server_says_is_understood(self, gateway: PaymentGateway, webhooks: list[Webhook]) -> None:
        ids = set()
        for body, headers in webhooks:
            event = gateway.read_webhook(body, headers)
            assert event is not None
            assert gateway.read_webhook(body, headers) == event, "told twice, it is the same event"
            check_event(event)
            ids.add(event.id)
        assert len(ids) == len(webhooks), "every event has an id of its own"


# What the tests are made of; an author's further tests may use it too.


def make_charge(amount: str = "49.00", currency: str = "EUR") -> Charge:
    """Something to pay within the next hour."""
    in_an_hour = (dt.datetime.now(dt.UTC) + dt.timedelta(hours=1)).replace(microsecond=0)
    return Charge(
        payment_id=uuid.uuid4(), course_id=uuid.uuid4(), course_title="Bread", amount=Decimal(amount),
        currency=currency, expires_at=in_an_hour, success_url="https://lms.example.org/yes",
        cancel_url="https://lms.example.org/no",
    )  # fmt: skip


def check_event(event: GatewayEvent) -> None:
    """Whether the core can do with an event what it says."""
    assert event.id
    assert event.kind in typing.get_args(News)
    named = (event.payment_id, event.reference, event.charge)
    assert any(name is not None for name in named), "an event says which payment it is about"
    assert (event.amount is None) == (event.currency is None), "an amount has its currency"
    assert event.currency is None or re.fullmatch(r"[A-Z]{3}", event.currency)
    assert event.amount is None or (isinstance(event.amount, Decimal) and event.amount >= 0)


def _check(checkout: Checkout) -> None:
    assert checkout.url or checkout.instructions, "it says where to pay, or how"
    assert checkout.url is None or re.match(r"https://", checkout.url), "who pays is sent to an encrypted page"
    assert checkout.reference is None or checkout.reference.strip()
