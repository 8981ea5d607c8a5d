"""Addresses of other sites that a lesson may show inside itself: HTTPS only, and of hosts that somebody has chosen."""

import re
from collections.abc import Iterable

MAX_ADDRESS = 2_000
"""Characters."""

# Narrower than the standard, so that no browser reads another host than we do: no user, no port but 443, no backslash,
# nothing that has to be escaped. A letter of another script is written as punycode, or percent-encoded in a path.
_ADDRESS = re.compile(
    r"https://(?P<host>[a-z0-9-]+(?:\.[a-z0-9-]+)+)(?::443)?(?P<rest>(?:[/?#][!#$%&'()*+,./0-9:;=?@A-Z_a-z~\[\]-]*)?)",
    re.IGNORECASE,
)


def hosted_address(address: str, hosts: Iterable[str]) -> str | None:
    """The address as it may be kept, or None where it is ill-formed or on none of the hosts.

    ``*.example.org`` among the hosts means every host below ``example.org``, and not that one itself.
    """
    found = _ADDRESS.fullmatch(address.strip())
    if found is None or len(address) > MAX_ADDRESS:
        return None
    host = found["host"].lower()
    if not any(_matches(host, each.lower()) for each in hosts):
        return None
    return f"https://{host}{found['rest']}"


def _matches(host: str, allowed: str) -> bool:
    return host.endswith(allowed[1:]) if allowed.startswith("*.") else host == allowed
