"""Limits on how often one address may ask (``throttle=("auth",)`` on a view), or one account be asked about.

A limit of addresses named ``auth`` reads the setting ``lms.ratelimit.auth_address``, one of accounts named ``login``
reads ``lms.ratelimit.login_account``. What others may do to an account counts apart from what its owner needs, so that
asking for its mails keeps nobody from signing in. A limit is a moving window: of ``60/minute``, no minute sees more
than 60. Where Redis keeps the counts all processes share them; while it does not answer, each process counts for itself
(so limits hold, only per process) and asks Redis again every few seconds.
"""

import hashlib
import ipaddress
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import structlog
from limits import RateLimitItem, parse
from limits.errors import ConfigurationError, StorageError
from limits.storage import MemoryStorage, storage_from_string
from limits.strategies import MovingWindowRateLimiter
from pyramid.viewderivers import INGRESS

from lms_core.kernel.errors import TooMany
from lms_core.kernel.headers import client_address
from lms_core.kernel.i18n import _
from lms_core.settings import Settings, SettingsError

if TYPE_CHECKING:
    from pyramid.config import Configurator
    from pyramid.response import Response

    from lms_core.kernel.request import Request

View = Callable[[Any, "Request"], "Response"]

_REDIS_TIMEOUT = 0.25
"""Seconds: a limit must not cost more than what it protects."""
_RETRY_REDIS_AFTER = 5.0


class Limiter:
    """Counts hits. One per process, on ``registry.limiter``."""

    def __init__(self, settings: Settings) -> None:
        self.enabled = settings.flag("lms.ratelimit.enabled")
        self._settings = settings
        self._rates: dict[str, RateLimitItem] = {}
        self._local = MovingWindowRateLimiter(MemoryStorage())
        self._shared = _shared(settings.text("lms.ratelimit.storage"))
        self._shared_again_at = 0.0

    def hit(self, limit: str, who: str) -> float | None:
        """Count one request; None if it is within the limit, else the seconds until it is worth trying again.

        ``limit`` is a setting's name without ``lms.ratelimit.``; what is refused does not count.
        """
        rate = self._rates.get(limit)
        if rate is None:
            rate = self._rates[limit] = parse(self._settings.text(f"lms.ratelimit.{limit}"))
        if self._shared is not None and time.monotonic() >= self._shared_again_at:
            try:
                return self._ask(self._shared, rate, limit, who)
            except StorageError as error:
                self._shared_again_at = time.monotonic() + _RETRY_REDIS_AFTER
                structlog.get_logger("lms.ratelimit").warning("counting_alone", error=repr(error.storage_error))
        return self._ask(self._local, rate, limit, who)

    @staticmethod
    def _ask(limiter: MovingWindowRateLimiter, rate: RateLimitItem, limit: str, who: str) -> float | None:
        if limiter.hit(rate, limit, who):
            return None
        return max(1.0, limiter.get_window_stats(rate, limit, who).reset_time - time.time())


def _shared(url: str) -> MovingWindowRateLimiter | None:
    """The limiter that processes share; None where the setting says that they share nothing."""
    if url.startswith("memory:"):
        return None
    try:
        timeouts: Any = {"socket_timeout": _REDIS_TIMEOUT, "socket_connect_timeout": _REDIS_TIMEOUT}
        storage = storage_from_string(url, wrap_exceptions=True, **timeouts)
    except (ConfigurationError, ValueError) as error:
        raise SettingsError(f"lms.ratelimit.storage: {error}") from None
    return MovingWindowRateLimiter(storage)


def throttle_address(request: "Request", name: str) -> None:
    """Count a request against its address. Raises :class:`TooMany`."""
    _throttle(request, f"{name}_address", _block(client_address(request)))


def throttle_account(request: "Request", name: str, account: str) -> None:
    """Count a request against the account it is about, known or not: ``account`` is what the caller named it.

    Raises :class:`TooMany`. Only a hash of the name is kept.
    """
    who = hashlib.sha256(account.strip().casefold().encode()).hexdigest()
    _throttle(request, f"{name}_account", who)


def _throttle(request: "Request", limit: str, who: str) -> None:
    limiter: Limiter = request.registry.limiter
    if not limiter.enabled:
        return
    wait = limiter.hit(limit, who)
    if wait is not None:
        raise TooMany("too_many_requests", _("Too many requests; wait a moment."), retry_after=wait)


def _block(address: str) -> str:
    """The address, or the /64 an IPv6 address is in: one household or host has all of it."""
    if ":" not in address:
        return address
    return str(ipaddress.ip_network(f"{address}/64", strict=False))


def throttled_view(view: View, info: Any) -> View:
    """The deriver: the limits are asked before anybody looks who it is."""
    names: tuple[str, ...] = info.options.get("throttle") or ()
    if not names:
        return view

    def wrapped(context: Any, request: "Request") -> "Response":
        for name in names:
            throttle_address(request, name)
        return view(context, request)

    return wrapped


throttled_view.options = ("throttle",)  # type: ignore[attr-defined]  # Pyramid reads the option names off the function.


def includeme(config: "Configurator") -> None:
    config.registry.limiter = Limiter(config.registry.core.settings)
    config.add_view_deriver(throttled_view, under=INGRESS, over="secured_view")
