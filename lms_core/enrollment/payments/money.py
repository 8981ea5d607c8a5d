"""Amounts of money, as far as their currency has something to say about them."""

from decimal import ROUND_HALF_UP, Decimal

from lms_core.kernel.errors import Invalid
from lms_core.kernel.i18n import _

WHOLE = frozenset(
    {
        "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV", "XAF", "XOF",
        "XPF",
    }
)  # fmt: skip
"""Currencies that nobody pays a fraction of (ISO 4217)."""


def rounded(amount: Decimal, currency: str) -> Decimal:
    """The nearest amount that can be paid, with two places; of currencies with three, no more are kept anywhere."""
    smallest = Decimal(1) if currency in WHOLE else Decimal("0.01")
    return amount.quantize(smallest, ROUND_HALF_UP).quantize(Decimal("0.01"))


def check_payable(amount: Decimal, currency: str) -> None:
    """Raises 422 ``amount_too_fine`` for a fraction that the currency does not have."""
    if amount != rounded(amount, currency):
        message = _("There is no such fraction of ${currency}.", mapping={"currency": currency})
        raise Invalid("amount_too_fine", message, errors={"amount": [message]})
