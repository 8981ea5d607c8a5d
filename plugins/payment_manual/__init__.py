"""Paying by hand: a bank transfer, or cash at the desk. Staff record that the money has come.

Applicants are offered it where ``lms.payment_manual.instructions`` says how; staff can record such a payment anyhow.
"""

import datetime as dt
from decimal import Decimal

from lms_core.plugin_api import Charge, Checkout, PaymentGateway, Setting, Settings, _, hookimpl


class ManualGateway(PaymentGateway):
    name = "manual"
    title = _("By bank transfer or in cash")
    by_hand = True

    def __init__(self, instructions: str, lifetime: dt.timedelta) -> None:
        self._instructions = instructions
        self.lifetime = lifetime

    def serves(self, amount: Decimal, currency: str) -> bool:
        return bool(self._instructions)

    def checkout(self, charge: Charge) -> Checkout:
        """The reference is short enough to be copied by hand."""
        reference = charge.payment_id.hex[:12].upper()
        return Checkout(reference, None, self._instructions.replace("{reference}", reference))


class ManualPaymentPlugin:
    api_version = "1"

    @hookimpl
    def lms_settings(self) -> list[Setting]:
        return [
            Setting("lms.payment_manual.instructions", "text", "", "How to pay by hand, for applicants to read; "
                    "`{reference}` is what they have to name. Empty offers it to nobody"),
            Setting("lms.payment_manual.lifetime", "seconds", "14d", "How long such a payment may take",
                    bounds=(3600, 31_536_000)),
        ]  # fmt: skip

    @hookimpl
    def lms_payment_gateways(self, settings: Settings) -> list[PaymentGateway]:
        lifetime = dt.timedelta(seconds=settings.seconds("lms.payment_manual.lifetime"))
        return [ManualGateway(settings.text("lms.payment_manual.instructions"), lifetime)]


plugin = ManualPaymentPlugin()
