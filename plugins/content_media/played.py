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

    def can_tell(self, criteria: Mapping[str, Any], content: Mapping[str, Any]) -> bool:
        to_be_measured = "fileId" in content and "problem" not in content
        return "playedPercent" not in criteria or self.extent(content) is not None or to_be_measured

    def lacking(self, criteria: Mapping[str, Any], evidence: Evidence) -> Sequence[Lack]:
        return short_of(criteria, "playedPercent", evidence.percent)
