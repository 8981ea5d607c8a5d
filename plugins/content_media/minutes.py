"""How long a recording takes."""

from collections.abc import Mapping
from typing import Any


def minutes_of(content: Mapping[str, Any]) -> int | None:
    """Whole minutes, by what was measured, else by what the author says."""
    seconds = content.get("measuredSeconds") or content.get("durationSeconds")
    return -(-seconds // 60) if seconds else None
