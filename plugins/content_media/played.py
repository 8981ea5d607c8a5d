"""How much of a recording was played."""

from collections.abc import Mapping, Sequence
from typing import Any

from lms_core.plugin_api import ContentType, Evidence, Lack, short_of


class Played(ContentType):
    """A content type whose parts are seconds, of which a student hears no more than two in one."""

    parts = "second"
    pace = 2.0
    measured = ("durationSeconds", "measuredSeconds")

    def extent(self, content: Mapping[str, Any]) -> int | None:
        return content.get("measuredSeconds") or content.get("durationSeconds")

    def lacking(self, criteria: Mapping[str, Any], evidence: Evidence) -> Sequence[Lack]:
        return short_of(criteria, "playedPercent", evidence.percent)
