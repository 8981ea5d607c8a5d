"""A payment gateway as a plugin writes it: how money comes, and how it goes back."""

import datetime as dt
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar, Literal

from lms_core.kernel.core import Core
from lms_core.kernel.errors import Conflict
from lms_core.kernel.i18n import _
from lms_core.settings import SettingsError

HOOK = "lms_payment_gateways"
VOUCHER = "voucher"
"""Stands for a gateway where a voucher has paid for all of it."""
_NAME = re.compile(r"[a-z][a-z0-9_]{0,49}")

News = Literal["paid", "failed", "expired", "refunded", "refund_failed", "disputed", "dispute_won", "dispute_lost"]


class GatewayUnavailable(Exception):
    """The gateway cannot be reached, or does not do what was asked; what went wrong is the cause, for the log."""


class WebhookRefused(Exception):
    """What came does not come from the gateway, or did so too long ago."""


@dataclass(frozen=True, slots=True)
class Charge:
    """What somebody has to pay. It is the same however often it is asked for: a gateway may derive a key from it.

    ``reference`` and ``charge`` are the gateway's own names, as far as they are known.
    """

    payment_id: uuid.UUID
    course_id: uuid.UUID
    course_title: str
    amount: Decimal
    currency: str
    expires_at: dt.datetime
    success_url: str
    cancel_url: str
    reference: str | None = None
    charge: str | None = None


@dataclass(frozen=True, slots=True)
class Checkout:
    """Where to pay (``url``), or how (``instructions``); ``reference`` is the gateway's name for it."""

    reference: str | None = None
    url: str | None = None
    instructions: str | None = None


@dataclass(frozen=True, slots=True)
class GatewayEvent:
    """What a gateway has to say about a payment, named by its id, its ``reference`` or its ``charge``.

    ``amount`` is what came, of ``refunded`` all that has gone back so far, or of ``refund_failed`` what of that came
    again; None where the gateway does not say. ``refund`` and ``refund_id`` name the refund that has failed: by the
    gateway's name, and by ours if it has one.
    ``dispute`` is the gateway's own name of a dispute, by which its beginning counts no more once its end was told.
    """

    id: str
    kind: News
    payment_id: uuid.UUID | None = None
    reference: str | None = None
    charge: str | None = None
    amount: Decimal | None = None
    currency: str | None = None
    dispute: str | None = None
    refund: str | None = None
    refund_id: uuid.UUID | None = None


@dataclass(frozen=True, slots=True)
class Refunded:
    """``total`` is all that has gone back so far, this included; None where the gateway does not say."""

    reference: str | None = None
    total: Decimal | None = None


class PaymentGateway:
    """A way to pay. Derive from it; what needs no server of its own leaves out what it does not have."""

    name: ClassVar[str]
    """What clients choose; it stands in ``/payments/webhooks/<name>``."""
    title: ClassVar[str]
    """What a person reads; translatable."""
    by_hand: ClassVar[bool] = False
    """Whether it is the staff who say that the money has come."""
    lifetime: dt.timedelta | None = None
    """How long a checkout can be paid; None for as long as a place is kept (``lms.payments.hold``)."""

    def serves(self, amount: Decimal, currency: str) -> bool:
        """Whether this can be paid here."""
        return True

    def checkout(self, charge: Charge) -> Checkout:
        """Let somebody pay. Asked again for the same payment, it answers the same checkout.

        No transaction is open. Raises :class:`GatewayUnavailable`.
        """
        raise NotImplementedError

    def read_webhook(self, body: bytes, headers: Mapping[str, str]) -> GatewayEvent | None:
        """What a webhook says, once it is certain that it comes from the gateway; None for what concerns nobody.

        The names of the headers are in lower case. Raises :class:`WebhookRefused`.
        """
        raise WebhookRefused

    def look_up(self, charge: Charge) -> GatewayEvent | None:
        """What became of a checkout; None while it can still be paid. Raises :class:`GatewayUnavailable`.

        The event's id may be anything: it is not kept.
        """
        return None

    def withdraw(self, charge: Charge) -> None:
        """See to it that a checkout cannot be paid any more, if it still could. Raises :class:`GatewayUnavailable`."""

    def refund(self, charge: Charge, amount: Decimal | None, refund_id: uuid.UUID) -> Refunded:
        """Give money back, once for each ``refund_id``; ``amount`` None is all that came.

        No transaction is open. Raises :class:`GatewayUnavailable`.
        """
        return Refunded()


Gateways = Mapping[str, PaymentGateway]
"""``registry.payment_gateways``: by name."""


def make_payment_gateways(core: Core) -> Gateways:
    """Every gateway by its name, in the order of the plugins' names: once for an application.

    Raises SettingsError where a name is none, or two plugins bring gateways of one name.
    """
    made: dict[str, PaymentGateway] = {}
    for each in core.plugins.gather(HOOK, settings=core.settings):
        if not _NAME.fullmatch(each.name):
            raise SettingsError(f"not the name of a payment gateway, in small letters: {each.name!r}")
        if each.name in made or each.name == VOUCHER:
            raise SettingsError(f"two plugins bring a payment gateway named {each.name}")
        made[each.name] = each
    return made


def gateway_of(gateways: Gateways, name: str | None) -> PaymentGateway:
    """Raises 409 ``gateway_unavailable`` where its plugin is gone, or no longer configured."""
    found = gateways.get(name or "")
    if found is None:
        raise gateway_unavailable()
    return found


def gateway_unavailable() -> Conflict:
    return Conflict("gateway_unavailable", _("This way to pay is not available."))
