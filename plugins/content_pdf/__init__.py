"""PDF lessons: a document that was uploaded.

Content: ``{"fileId": "..."}``; ``name``, ``size`` and ``mimeType`` of the file are added. Afterwards ``pages`` is
counted, by a process that may take half a minute and half a gigabyte: a PDF is a program of sorts, and what strangers
upload may be written to take all there is. Where it cannot be counted, ``pages`` is null and ``problem`` says why.
"""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lms_core.plugin_api import (
    CannotProcess,
    ContentContext,
    ContentType,
    Evidence,
    Lack,
    Prepared,
    Schema,
    Workshop,
    _,
    fields,
    hookimpl,
    short_of,
    validate,
)

api_version = "1"

MINUTES_PER_PAGE = 2
"""A page of a paper at an unhurried pace; whoever knows better says so in the lesson."""

_COUNTER = str(Path(__file__).with_name("count_pages.py"))
_SECONDS, _MEMORY, _OUTPUT = 30.0, 512 << 20, 1 << 10


class PdfContent(Schema):
    """A document."""

    file_id = fields.UUID(required=True, metadata={"title": _("PDF file")})
    name = fields.String(dump_only=True)
    size = fields.Integer(dump_only=True)
    mime_type = fields.String(dump_only=True)
    pages = fields.Integer(dump_only=True, allow_none=True)
    problem = fields.String(
        dump_only=True,
        metadata={"description": "Why the pages were not counted: encrypted, unreadable, too_complex, file_gone, ..."},
    )


class PdfCriteria(Schema):
    """``readPercent``: the share of the pages that must have been shown."""

    read_percent = fields.Integer(
        strict=True, validate=validate.Range(1, 100), metadata={"title": _("Percentage of the pages to read")}
    )


class PdfType(ContentType):
    name = "pdf"
    title = _("PDF document")
    schema = PdfContent
    criteria = PdfCriteria
    processed = ("fileId",)
    parts = "page"
    pace = 1.0
    measured = ("pages",)

    def prepare(self, content: dict[str, Any], context: ContentContext) -> Prepared:
        file = context.file(content["fileId"], "fileId", ("application/pdf",))
        return Prepared(file.described)

    def minutes(self, content: Mapping[str, Any]) -> int | None:
        pages = content.get("pages")
        return pages * MINUTES_PER_PAGE if pages else None

    def process(self, content: Mapping[str, Any], workshop: Workshop) -> Mapping[str, Any]:
        try:
            return {"pages": _count(workshop, str(workshop.fetch(content["fileId"])))}
        except CannotProcess as error:
            return {"pages": None, "problem": error.problem}

    def extent(self, content: Mapping[str, Any]) -> int | None:
        return content.get("pages")

    def can_tell(self, criteria: Mapping[str, Any], content: Mapping[str, Any]) -> bool:
        return "readPercent" not in criteria or "problem" not in content

    def lacking(self, criteria: Mapping[str, Any], evidence: Evidence) -> Sequence[Lack]:
        return short_of(criteria, "readPercent", evidence.percent)


def _count(workshop: Workshop, path: str) -> int:
    # -B: it may not write whole what Python would keep of the modules, and half of it breaks them for everybody.
    answer = workshop.run(sys.executable, "-IB", _COUNTER, path, seconds=_SECONDS, memory=_MEMORY, output=_OUTPUT)
    said = answer.decode("ascii", "replace").strip()
    if not said.isdigit():
        raise CannotProcess(said if said in ("encrypted", "too_complex") else "unreadable")
    return int(said)


@hookimpl
def lms_content_types() -> list[ContentType]:
    return [PdfType()]
