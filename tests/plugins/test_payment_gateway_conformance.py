"""The manual gateway owes what every gateway owes, and the suite finds what a bad gateway gets wrong."""

from collections.abc import Mapping

import pytest
from lms_plugins.payment_manual import plugin

from lms_core.plugin_api import Charge, Checkout, GatewayEvent, PaymentGateway
from lms_core.settings import Settings
from lms_core.testing.payment_gateways import PaymentGatewayConformance, Webhook, make_charge


class TestManual(PaymentGatewayConformance):
    @pytest.fixture
    def gateway(self, bare_settings: Settings) -> PaymentGateway:
        chosen = bare_settings.replace(lms__payment_manual__instructions="Name {reference}.")
        [gateway] = plugin.lms_payment_gateways(chosen)
        return gateway


def test_by_hand_is_offered_where_it_is_said_how(bare_settings: Settings) -> None:
    [gateway] = plugin.lms_payment_gateways(bare_settings)
    charge = make_charge()
    assert not gateway.serves(charge.amount, charge.currency)


class Credulous(PaymentGateway):
    """Believes everybody, makes a new checkout whenever it is asked, and sends people to an open page."""

    name = "credulous"
    title = "Credulous"
    made = 0

    def checkout(self, charge: Charge) -> Checkout:
        self.made += 1
        return Checkout(str(self.made), "https://pay.example.org/")

    def read_webhook(self, body: bytes, headers: Mapping[str, str]) -> GatewayEvent | None:
        return GatewayEvent("1", "paid", reference="1")


WEBHOOKS: list[Webhook] = [(b"paid", {"x-signature": "y"})]


@pytest.mark.parametrize("test", ["test_a_payment_has_one_checkout", "test_asked_by_many_at_once"])
def test_the_suite_finds_two_checkouts(test: str) -> None:
    with pytest.raises(AssertionError):
        getattr(PaymentGatewayConformance(), test)(Credulous(), make_charge())


@pytest.mark.parametrize(
    "test", ["test_nobody_is_believed_without_a_signature", "test_what_was_changed_on_its_way_is_refused"]
)
def test_the_suite_finds_who_believes_everybody(test: str) -> None:
    with pytest.raises(pytest.fail.Exception):
        getattr(PaymentGatewayConformance(), test)(Credulous(), WEBHOOKS)


def test_the_suite_finds_events_that_are_all_one() -> None:
    twice = [(b"paid", {"x-signature": "y"}), (b"refunded", {"x-signature": "y"})]
    with pytest.raises(AssertionError, match="an id of its own"):
        PaymentGatewayConformance().test_what_its_server_says_is_understood(Credulous(), twice)
