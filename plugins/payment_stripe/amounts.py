"""Amounts as Stripe counts them: in a currency's smallest unit, with some exceptions (https://docs.stripe.com/currencies)."""

from decimal import Decimal

_NONE = frozenset(
    {"BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF"}
)
_THREE = frozenset({"BHD", "JOD", "KWD", "OMR", "TND"})
_UNCERTAIN = frozenset({"UGX"})
"""Listed both among those without decimals and among those written with two: nobody is charged a hundredfold."""
_WHOLE = frozenset({"ISK"})
"""Written with two decimals, which are zero."""
_LARGEST = 99_999_999


def places(currency: str) -> int:
    """Decimals of the currency, as Stripe counts."""
    if currency in _NONE:
        return 0
    return 3 if currency in _THREE else 2


def to_minor(amount: Decimal, currency: str) -> int:
    """Raises ValueError for what cannot be charged exactly."""
    minor = amount.scaleb(places(currency))
    whole = currency not in _WHOLE or amount == amount.to_integral_value()
    if currency in _UNCERTAIN or not whole or minor != minor.to_integral_value() or not 0 < minor <= _LARGEST:
        raise ValueError(f"{amount} {currency} cannot be charged")
    return int(minor)


def from_minor(minor: int, currency: str) -> Decimal:
    return Decimal(minor).scaleb(-places(currency))
