"""What every response carries (security headers, request id, CORS), and whose request it is.

The tween is the outermost one, so that errors and refusals carry the headers too.
"""

import ipaddress
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from pyramid.response import Response
from pyramid.tweens import INGRESS

from lms_core.settings import Settings, SettingsError

if TYPE_CHECKING:
    from pyramid.config import Configurator
    from pyramid.registry import Registry

    from lms_core.kernel.request import Request

Handler = Callable[["Request"], Response]
Headers = list[tuple[str, str]]

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_ORIGIN = re.compile(r"https?://[a-z0-9.-]+(:\d{1,5})?|https?://\[[0-9a-f:]+\](:\d{1,5})?")
_FIXED = (
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("X-Frame-Options", "DENY"),
)
_REPLACEABLE = (
    # The API answers documents for programs: a browser that is made to show one may load and run nothing.
    ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
    # Most answers are one person's; a view that may be cached says so itself.
    ("Cache-Control", "no-store"),
)
_METHODS = "GET, HEAD, POST, PUT, PATCH, DELETE"
_ASKED = (
    "Accept-Language, Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, If-Range, Range, "
    "Tus-Resumable, Upload-Checksum, Upload-Length, Upload-Metadata, Upload-Offset, X-CSRF-Token, "
    "X-HTTP-Method-Override, X-Request-Id"
)
_EXPOSED = (
    "Accept-Ranges, Content-Disposition, Content-Range, ETag, Idempotent-Replayed, Location, Retry-After, "
    "Tus-Checksum-Algorithm, Tus-Extension, Tus-Max-Size, Tus-Resumable, Tus-Version, Upload-Expires, Upload-File, "
    "Upload-Length, Upload-Metadata, Upload-Offset, X-Request-Id"
)
_PREFLIGHT_SECONDS = "600"
_RANGE = re.compile(r"bytes=(?:[0-9]{1,18}-[0-9]{0,18}|-(?=0*[1-9])[0-9]{1,18})")
"""One range that has bytes. Any other is ignored, as RFC 9110 allows: WebOb, which reads the header after all of ours,
takes ``-0`` for everything, and fails on what is no number."""


@dataclass(frozen=True, slots=True)
class Policy:
    """The headers, worked out once. ``always`` are added as they are, ``defaults`` where the view set no other."""

    always: Headers
    defaults: tuple[tuple[str, str, str], ...]
    """Name in lower case, name, value."""
    origins: Mapping[str, Headers]
    """What a response to a known origin carries besides."""

    @classmethod
    def from_settings(cls, settings: Settings) -> "Policy":
        """Raises SettingsError for an origin that is none."""
        origins = tuple(_origin(word) for word in settings.words("lms.cors.origins"))
        always: Headers = [*_FIXED]
        if settings.text("lms.url").startswith("https://"):
            always.append(("Strict-Transport-Security", "max-age=31536000"))
        if origins:
            always.append(("Vary", "Origin"))
        # Pages of a known origin may show our pictures; where none is known, only pages of our own may.
        defaults = (*_REPLACEABLE, ("Cross-Origin-Resource-Policy", "cross-origin" if origins else "same-origin"))
        return cls(
            always=always,
            defaults=tuple((name.lower(), name, value) for name, value in defaults),
            origins={
                origin: [
                    ("Access-Control-Allow-Origin", origin),
                    ("Access-Control-Allow-Credentials", "true"),
                    ("Access-Control-Expose-Headers", _EXPOSED),
                ]
                for origin in origins
            },
        )


def _origin(word: str) -> str:
    origin = word.rstrip("/").lower()
    if not _ORIGIN.fullmatch(origin):
        raise SettingsError(f"lms.cors.origins: {word} is not an origin such as https://learn.example.org")
    return origin


def headers_tween(handler: Handler, registry: "Registry") -> Handler:
    """Give the request its id, answer CORS preflights, and put the headers on the response."""
    policy = Policy.from_settings(registry.core.settings)
    origins = policy.origins

    def tween(request: "Request") -> Response:
        environ = request.environ
        given = environ.get("HTTP_X_REQUEST_ID")
        request_id = given if given and _REQUEST_ID.fullmatch(given) else os.urandom(16).hex()
        environ["lms.request_id"] = request_id
        if "HTTP_RANGE" in environ and not _RANGE.fullmatch(environ["HTTP_RANGE"]):
            del environ["HTTP_RANGE"]
        if origins and environ["REQUEST_METHOD"] == "OPTIONS" and "HTTP_ACCESS_CONTROL_REQUEST_METHOD" in environ:
            response = _preflight(environ.get("HTTP_ORIGIN") in origins)
        else:
            response = handler(request)
        headers: Headers = response.headerlist
        present = {name.lower() for name, _value in headers}
        headers.append(("X-Request-Id", request_id))
        headers += policy.always
        headers += [(name, value) for lower, name, value in policy.defaults if lower not in present]
        if origins:
            headers += origins.get(environ.get("HTTP_ORIGIN", ""), ())
        return response

    return tween


def _preflight(known: bool) -> Response:
    """What a browser asks before an unsafe request; an unknown origin hears nothing that would let it go on."""
    response = Response(status=204, content_type=None)
    if known:
        response.headerlist += [
            ("Access-Control-Allow-Methods", _METHODS),
            ("Access-Control-Allow-Headers", _ASKED),
            ("Access-Control-Max-Age", _PREFLIGHT_SECONDS),
        ]
    return response


def client_address(request: "Request") -> str:
    """The caller's IP address.

    Each of the ``lms.web.trusted_proxies`` in front of us appended to X-Forwarded-For the address it was asked
    from; what stands left of theirs was sent by the caller and proves nothing.
    """
    environ = request.environ
    known = environ.get("lms.client_address")
    if known is None:
        trusted = request.core.settings.integer("lms.web.trusted_proxies")
        known = environ["lms.client_address"] = _client_address(environ, trusted)
    return str(known)


def _client_address(environ: Mapping[str, str], trusted: int) -> str:
    # Over a Unix socket there is no address: whoever may open the socket is on this machine.
    peer = _plain_address(environ.get("REMOTE_ADDR", "")) or "127.0.0.1"
    if not trusted:
        return peer
    hops = [hop.strip() for hop in environ.get("HTTP_X_FORWARDED_FOR", "").split(",") if hop.strip()]
    return (_plain_address(hops[max(0, len(hops) - trusted)]) or peer) if hops else peer


@lru_cache(maxsize=4096)
def _plain_address(text: str) -> str | None:
    """The address alone: without port and brackets, and IPv4 where it is only dressed as IPv6."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return str(mapped or address)


def includeme(config: "Configurator") -> None:
    config.add_tween("lms_core.kernel.headers.headers_tween", under=INGRESS)
