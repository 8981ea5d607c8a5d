"""Paying by card and whatever else Stripe offers, on Stripe's own page: no card is known here."""

from lms_core.plugin_api import PaymentGateway, Setting, Settings, SettingsError, hookimpl

_BASE = r"https://.+|http://(127\.0\.0\.1|localhost)(:\d+)?/?"
"""Only what stays on this machine may go unencrypted."""


class StripePlugin:
    api_version = "1"

    @hookimpl
    def lms_settings(self) -> list[Setting]:
        return [
            Setting("lms.stripe.secret_key", "text", "", "Stripe's secret key, `sk_...` or `rk_...`; empty offers it "
                    "to nobody", secret=True),
            Setting("lms.stripe.webhook_secrets", "words", "", "Signing secrets of the webhook, `whsec_...`; two while "
                    "one takes the other's place", secret=True),
            Setting("lms.stripe.webhook_tolerance", "seconds", "5m", "How old a webhook may be", bounds=(1, 86_400)),
            Setting("lms.stripe.timeout", "seconds", "10s", "How long Stripe may be silent", bounds=(1, 60)),
            Setting("lms.stripe.api_base", "text", "https://api.stripe.com", "Where Stripe's API is", pattern=_BASE),
        ]  # fmt: skip

    @hookimpl
    def lms_payment_gateways(self, settings: Settings) -> list[PaymentGateway]:
        if not settings.text("lms.stripe.secret_key"):
            return []
        if not settings.words("lms.stripe.webhook_secrets"):
            raise SettingsError("lms.stripe.webhook_secrets: nobody would hear of a payment without one")
        try:
            from lms_plugins.payment_stripe.gateway import StripeGateway
        except ImportError as error:
            raise SettingsError(f"paying by Stripe needs {error.name}: pip install 'lms-core[stripe]'") from None
        return [StripeGateway.from_settings(settings)]


plugin = StripePlugin()
