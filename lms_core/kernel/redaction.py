"""What must rest in no log: values whose name says that they are secret."""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import unquote_plus

REDACTED = "[redacted]"

_SECRET = re.compile(
    r"pass(word|wd|phrase|code)|secret|token|authorization|cookie|csrf|credential|signature|api.?key|private.?key"
    r"|(^|[_-])(otp|totp|pin|codes?|challenge)$|(access|backup|recovery|verification|invite)codes?$",
    re.IGNORECASE,
)


@lru_cache(maxsize=1024)
def is_secret(name: str) -> bool:
    """Whether a key names a secret: ``newPassword``, ``refresh_token``, ``code``, ``X-CSRF-Token``, ..."""
    return _SECRET.search(name) is not None


def redact(value: Any) -> Any:
    """The same mappings and lists with :data:`REDACTED` in place of each secret."""
    if isinstance(value, Mapping):
        return {key: REDACTED if is_secret(str(key)) else redact(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [redact(entry) for entry in value]
    return value


def redact_query(query: str) -> str:
    """A query string without the values of its secrets; all else stays as it was written."""
    return "&".join(_redact_pair(pair) for pair in query.split("&")) if query else ""


def _redact_pair(pair: str) -> str:
    name, equals, _value = pair.partition("=")
    return f"{name}={REDACTED}" if equals and is_secret(unquote_plus(name)) else pair
