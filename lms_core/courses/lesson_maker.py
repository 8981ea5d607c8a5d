"""The lessons of an import: what a plugin has read goes through the content types, as if an author had sent it."""

import re
import uuid
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape, unescape
from types import MappingProxyType
from typing import Any

from lms_core.courses.content.service import attachment, check_criteria, columns_of, make
from lms_core.courses.content.types import ContentContext, ContentFile, ContentType, content_types
from lms_core.courses.html import MAX_LENGTH
from lms_core.courses.importing import FILE_SCHEME, ImportedEmbed, ImportedLesson
from lms_core.courses.records import LessonRecord
from lms_core.courses.references import FILE_ID_SCHEME, file_address, map_references, referenced_files
from lms_core.files.models import FileUpload
from lms_core.kernel.core import Core
from lms_core.kernel.errors import Invalid
from lms_core.kernel.i18n import _
from lms_core.kernel.schemas import Schema

MAX_DESCRIPTION = 5_000
"""Characters, as the API allows them."""

MAX_HEADING = 240
MOST_EMBEDS = 20
"""Of one page."""

DEFAULTS: Mapping[str, Any] = MappingProxyType(
    {"min_seconds": 0, "is_preview": False, "allow_comments": True, "transcript": None}
)
"""Of what only ``details`` say."""

_FOREIGN = re.compile(r"/api/v1/files/[0-9a-fA-F-]{36}/content")
"""A file of another installation, or nobody's."""


@dataclass(frozen=True, slots=True)
class Reading:
    """How what the source says becomes what the course says, and who is told of what it cannot become."""

    line: Callable[..., str]
    """The first argument that says anything, as one line."""
    text: Callable[[str], str]
    details: Callable[[Schema, Mapping[str, Any], str], dict[str, Any]]
    """What of a record can be kept, for the lesson of that title."""
    skip: Callable[[str, str], None]


class LessonMaker:
    """Makes rows of lessons."""

    def __init__(self, core: Core, uploads: Mapping[str, FileUpload], reading: Reading) -> None:
        self._core = core
        self._types = content_types(core)
        self._uploads = uploads
        self._files = {upload.id: _file(upload) for upload in uploads.values()}
        self._read = reading

    def rows(self, source: ImportedLesson) -> Iterator[dict[str, Any]]:
        """The columns of what the lesson becomes; nothing where nothing of it can be brought."""
        title = self._read.line(source.title, _("Untitled"))
        details = self._read.details(LessonRecord(), source.details, title)
        given = details.get("duration_minutes") if details.get("duration_given", True) else None
        known = self._known(title, details, given)
        made = known or self._plain(title, source, given)
        embedded = list(self._embedded(title, source.embeds)) if known is None else []
        if made is not None and not (len(embedded) == 1 and _is_only(made, source.embeds)):
            yield self._row(title, source, details, made)
        for heading, columns in embedded:
            yield self._row(heading, source, {}, columns)

    def _row(
        self, title: str, source: ImportedLesson, details: Mapping[str, Any], made: Mapping[str, Any]
    ) -> dict[str, Any]:
        own = {
            "title": title,
            "description": self._read.text(source.description)[:MAX_DESCRIPTION] or None,
            "is_published": source.is_published,
            **DEFAULTS,
        }
        named = (self._uploads.get(key) for key in referenced_files(list(details.get("attachments", ()))))
        attached = [attachment(_file(upload), "attached") for upload in named if upload is not None]
        kind = self._types[made["content_type"]]
        row = {
            "id": uuid.uuid4(),
            **{name: details.get(name, value) for name, value in own.items()},
            **made,
            "attachments": made["attachments"] + attached,
            "completion_criteria": self._criteria(title, kind, details),
        }
        if row["is_published"] and not kind.shows(row["content"]):
            self._read.skip(title, _("There is nothing on this page; students will not see it."))
            row["is_published"] = False
        return row

    def _criteria(self, title: str, kind: ContentType, details: Mapping[str, Any]) -> dict[str, Any]:
        try:
            return check_criteria(kind, details.get("completion_criteria", {}))
        except Invalid:
            names = {"names": "completionCriteria"}
            self._read.skip(title, _("Not kept, because it is not valid here: ${names}.", mapping=names))
            return {}

    # The columns that the content decides about, or None.

    def _known(self, title: str, details: Mapping[str, Any], given: int | None) -> dict[str, Any] | None:
        """The content as the source says it was, where this installation can have it so."""
        name, content = details.get("content_type"), details.get("content")
        if name is None or content is None:
            return None
        if name == "text" and isinstance(content.get("html"), str):
            return self._page(title, content["html"], given)
        try:
            return self._made(name, map_references(content, self._reference(title)), given)[0]
        except Invalid as error:
            self._read.skip(title, reason(error))
            return None

    def _plain(self, title: str, source: ImportedLesson, given: int | None) -> dict[str, Any] | None:
        if source.html is not None:
            return self._page(title, self._read.text(source.html), given)
        if source.url is not None:
            return self._link(title, source.url, given)
        return self._offer(title, source.file or "", given)

    def _page(self, title: str, source: str, given: int | None) -> dict[str, Any] | None:
        if len(source) > MAX_LENGTH:
            self._read.skip(title, _("This page is too long for a lesson."))
            return None
        html = map_references(_FOREIGN.sub("#", source), self._reference(title))
        try:
            columns, removed = self._made("text", {"html": html}, given)
        except Invalid as error:
            self._read.skip(title, reason(error))
            return None
        # A file that is not there was told of by its name.
        names = ", ".join(name for name in removed if name != FILE_SCHEME)
        if names:
            self._read.skip(title, _("Removed from the page: ${names}.", mapping={"names": names}))
        return columns

    def _embedded(self, title: str, embeds: Sequence[ImportedEmbed]) -> Iterator[tuple[str, dict[str, Any]]]:
        """The titles and columns of what a page embeds, as far as it may be embedded here."""
        known = {re.sub(r"^http:", "https:", each.url, count=1): each for each in reversed(embeds)}
        for number, (address, embed) in enumerate(reversed(known.items()), 1):
            if number > MOST_EMBEDS:
                self._read.skip(title, _("This page embeds too much of other sites."))
                return
            label = self._read.line(embed.title)
            try:
                content = {"src": address, **({"title": label} if label else {})}
                columns = self._made("interactive", content, None)[0]
            except Invalid:
                named = {"url": self._read.line(address)}
                self._read.skip(title, _("${url} may not be embedded here; a link to it remains.", mapping=named))
            else:
                yield label or (title if len(known) == 1 else f"{title[:MAX_HEADING]} ({number})"), columns

    def _link(self, title: str, url: str, given: int | None) -> dict[str, Any] | None:
        try:
            return self._made("link", {"url": self._read.text(url)}, given)[0]
        except Invalid:
            self._read.skip(title, _("This link has no web address."))
            return None

    def _offer(self, title: str, key: str, given: int | None) -> dict[str, Any] | None:
        """A lesson that is a file: shown or played where a content type can, else offered for download."""
        upload = self._uploads.get(key)
        if upload is None:
            self._read.skip(title, _("The file of this lesson is not there."))
            return None
        kind = "pdf" if upload.mime_type == "application/pdf" else upload.file_type
        try:
            if kind in ("pdf", "video", "audio") and kind in self._types:
                return self._made(kind, {"fileId": str(upload.id)}, given)[0]
            return self._made("text", {"html": _download(upload)}, given)[0]
        except Invalid as error:
            self._read.skip(title, reason(error))
            return None

    def _made(self, name: str, content: dict[str, Any], given: int | None) -> tuple[dict[str, Any], tuple[str, ...]]:
        """The columns, and what was taken out. Raises Invalid where the type is not there, or refuses."""
        if name not in self._types:
            off = _("The content type “${name}” is switched off.", mapping={"name": name})
            raise Invalid("content_type_unknown", off)
        kind = self._types[name]
        made = make(kind, content, ContentContext(self._core.settings, self._find))
        return {"content_type": name, **columns_of(kind, made, given=given)}, made.removed

    def _reference(self, title: str) -> Callable[[str, str], str]:
        def rewrite(scheme: str, key: str) -> str:
            upload = self._uploads.get(key)
            if upload is None:
                told = _("“${title}” refers to this file, and it is not there.", mapping={"title": title})
                self._read.skip(key, told)
                return scheme + key  # Sanitizing drops it; what was linked stays.
            return str(upload.id) if scheme == FILE_ID_SCHEME else file_address(upload.id)

        return rewrite

    def _find(self, file_ids: Collection[uuid.UUID]) -> list[ContentFile]:
        return [self._files[file_id] for file_id in file_ids if file_id in self._files]


def reason(error: Invalid) -> str:
    """What was wrong, in the words of the first field that was."""
    told: Any = error.errors
    while told and not isinstance(told, str):
        told = next(iter(told.values() if isinstance(told, Mapping) else told))
    return told or error.detail or error.code


def _is_only(page: Mapping[str, Any], embeds: Sequence[ImportedEmbed]) -> bool:
    """Whether there is nothing on the page but a link to the one thing that it embeds."""
    html = page["content"].get("html", "")
    words = unescape(re.sub(r"</?(?:a|br|div|p|span)\b[^<>]*>", "", html)).strip()
    return len(embeds) == 1 and html.count("<a ") == 1 and words in (embeds[0].title, embeds[0].url)


def _file(upload: FileUpload) -> ContentFile:
    return ContentFile(upload.id, upload.file_name, upload.file_size, upload.mime_type or "")


def _download(upload: FileUpload) -> str:
    address, name = file_address(upload.id), escape(upload.file_name)
    shown = f'<img src="{address}" alt="{name}">' if upload.file_type == "image" else name
    return f'<p><a href="{address}">{shown}</a></p>'
