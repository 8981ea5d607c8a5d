"""Stripe Checkout through its SDK: a session for each payment, webhooks that are signed, and refunds."""

import json
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import stripe
from lms_plugins.payment_stripe.amounts import from_minor, to_minor

from lms_core.plugin_api import (
    Charge,
    Checkout,
    GatewayEvent,
    GatewayUnavailable,
    PaymentGateway,
    Refunded,
    Settings,
    WebhookRefused,
    _,
)

_LONGEST_NAME = 250
_RETRIES = 1
_NO_EVENT = (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError)
"""What reading a body ends with that is no event of any shape that we know."""


class StripeGateway(PaymentGateway):
    name = "stripe"
    title = _("By card, through Stripe")

    def __init__(self, client: stripe.StripeClient, secret_key: str, secrets: tuple[str, ...], tolerance: int) -> None:
        self._client, self._secret_key = client, secret_key
        self._secrets, self._tolerance = secrets, tolerance

    @classmethod
    def from_settings(cls, settings: Settings) -> "StripeGateway":
        key = settings.text("lms.stripe.secret_key")
        client = stripe.StripeClient(
            key,
            base_addresses={"api": settings.text("lms.stripe.api_base").rstrip("/")},
            http_client=stripe.RequestsClient(timeout=settings.seconds("lms.stripe.timeout")),
            max_network_retries=_RETRIES,
        )
        secrets, tolerance = (
            settings.words("lms.stripe.webhook_secrets"),
            settings.seconds("lms.stripe.webhook_tolerance"),
        )
        return cls(client, key, secrets, int(tolerance))

    def serves(self, amount: Decimal, currency: str) -> bool:
        try:
            return to_minor(amount, currency) > 0
        except ValueError:
            return False

    def checkout(self, charge: Charge) -> Checkout:
        metadata = {"payment_id": str(charge.payment_id), "course_id": str(charge.course_id)}
        params: Any = {
            "mode": "payment",
            "client_reference_id": str(charge.payment_id),
            "metadata": metadata,
            # A charge has them of its payment intent, and a refund is told by its charge.
            "payment_intent_data": {"metadata": metadata},
            "line_items": [
                {
                    "quantity": 1,
                    "price_data": {
                        "currency": charge.currency.lower(),
                        "unit_amount": to_minor(charge.amount, charge.currency),
                        "product_data": {"name": charge.course_title[:_LONGEST_NAME]},
                    },
                }
            ],
            "success_url": charge.success_url,
            "cancel_url": charge.cancel_url,
            "expires_at": int(charge.expires_at.timestamp()),
        }
        with _asking():
            session = self._client.v1.checkout.sessions.create(
                params, {"idempotency_key": f"lms-checkout-{charge.payment_id}"}
            )
        return Checkout(session.id, session.url)

    def read_webhook(self, body: bytes, headers: Mapping[str, str]) -> GatewayEvent | None:
        self._verify(body, headers.get("stripe-signature", ""))
        try:
            event = json.loads(body)
            read = _READERS.get(event["type"])
            return read(str(event["id"]), event["type"], event["data"]["object"]) if read is not None else None
        except _NO_EVENT as error:
            # Stripe has signed it: it is an event of another shape than any that we know.
            raise WebhookRefused from error

    def _verify(self, body: bytes, signature: str) -> None:
        for secret in self._secrets:
            try:
                stripe.Webhook.construct_event(body, signature, secret, self._tolerance, api_key=self._secret_key)
            except (stripe.SignatureVerificationError, *_NO_EVENT):
                continue
            return
        raise WebhookRefused

    def look_up(self, charge: Charge) -> GatewayEvent | None:
        session = self._session(charge)
        if session["payment_status"] == "paid":
            return _session("", "paid", session)
        return _session("", "expired", session) if session["status"] == "expired" else None

    def withdraw(self, charge: Charge) -> None:
        try:
            with _asking():
                self._client.v1.checkout.sessions.expire(charge.reference or "")
        except GatewayUnavailable as error:
            # One that is paid, or over, cannot be ended any more.
            if not isinstance(error.__cause__, stripe.InvalidRequestError):
                raise

    def refund(self, charge: Charge, amount: Decimal | None, refund_id: uuid.UUID) -> Refunded:
        intent = charge.charge or self._session(charge)["payment_intent"]
        params: Any = {"payment_intent": intent, "metadata": {"refund_id": str(refund_id)}, "expand": ["charge"]}
        if amount is not None:
            try:
                params["amount"] = to_minor(amount, charge.currency)
            except ValueError as error:
                raise GatewayUnavailable from error
        with _asking():
            made = self._client.v1.refunds.create(params, {"idempotency_key": f"lms-refund-{refund_id}"}).to_dict()
        if made["status"] in ("failed", "canceled"):
            raise GatewayUnavailable from ValueError(f"the refund {made['id']} is {made['status']}")
        paid = made["charge"]
        return Refunded(made["id"], from_minor(paid["amount_refunded"], charge.currency) if paid else None)

    def _session(self, charge: Charge) -> Mapping[str, Any]:
        with _asking():
            found: Mapping[str, Any] = self._client.v1.checkout.sessions.retrieve(charge.reference or "").to_dict()
        return found


@contextmanager
def _asking() -> Iterator[None]:
    try:
        yield
    except stripe.StripeError as error:
        raise GatewayUnavailable from error


# What an event of Stripe's is to us.


def _session(event_id: str, kind: Any, session: Mapping[str, Any]) -> GatewayEvent:
    currency = str(session["currency"]).upper()
    return GatewayEvent(
        event_id, kind, _payment_id(session), session["id"], session.get("payment_intent"),
        from_minor(session["amount_total"], currency), currency,
    )  # fmt: skip


def _payment_id(thing: Mapping[str, Any]) -> uuid.UUID | None:
    return _named(thing, "payment_id")


def _named(thing: Mapping[str, Any], name: str) -> uuid.UUID | None:
    """Other things are sold through the same account, and named otherwise."""
    try:
        return uuid.UUID((thing.get("metadata") or {}).get(name) or "")
    except ValueError:
        return None


def _completed(event_id: str, kind: str, session: Mapping[str, Any]) -> GatewayEvent | None:
    """Some ways to pay take days: their session is completed first, and paid later."""
    return _session(event_id, "paid", session) if session["payment_status"] == "paid" else None


def _refunded(event_id: str, kind: str, charge: Mapping[str, Any]) -> GatewayEvent:
    currency = str(charge["currency"]).upper()
    total = from_minor(charge["amount_refunded"], currency)
    return GatewayEvent(event_id, "refunded", _payment_id(charge), None, charge["payment_intent"], total, currency)


def _refund_failed(event_id: str, kind: str, refund: Mapping[str, Any]) -> GatewayEvent | None:
    """Stripe tells of it in several events: whichever comes first counts."""
    if refund["status"] not in ("failed", "canceled"):
        return None
    currency = str(refund["currency"]).upper()
    return GatewayEvent(
        f"{refund['id']}:failed", "refund_failed", charge=refund["payment_intent"],
        amount=from_minor(refund["amount"], currency), currency=currency,
        refund=refund["id"], refund_id=_named(refund, "refund_id"),
    )  # fmt: skip


_DISPUTES: Mapping[str, Any] = {
    "needs_response": "disputed",
    "under_review": "disputed",
    "won": "dispute_won",
    "prevented": "dispute_won",
    "lost": "dispute_lost",
}
"""By its state. What begins with ``warning_`` is an inquiry, which takes no money: it may become a dispute."""


def _disputed(event_id: str, kind: str, dispute: Mapping[str, Any]) -> GatewayEvent | None:
    known = _DISPUTES.get(dispute["status"])
    if known is None:
        return None
    return GatewayEvent(event_id, known, charge=dispute["payment_intent"], dispute=dispute["id"])


_READERS: Mapping[str, Callable[[str, str, Mapping[str, Any]], GatewayEvent | None]] = {
    "checkout.session.completed": _completed,
    "checkout.session.async_payment_succeeded": _completed,
    "checkout.session.async_payment_failed": lambda event_id, _kind, session: _session(event_id, "failed", session),
    "checkout.session.expired": lambda event_id, _kind, session: _session(event_id, "expired", session),
    "charge.refunded": _refunded,
    "charge.refund.updated": _refund_failed,
    "refund.updated": _refund_failed,
    "refund.failed": _refund_failed,
    "charge.dispute.created": _disputed,
    "charge.dispute.updated": _disputed,
    "charge.dispute.closed": _disputed,
}
