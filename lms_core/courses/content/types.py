"""A content type as a plugin writes it, and what it works with while an author's content is checked."""

import uuid
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlsplit

from lms_core.courses.content.hosts import hosted_address
from lms_core.courses.html import addresses
from lms_core.kernel.core import Core
from lms_core.kernel.errors import Conflict, Invalid
from lms_core.kernel.i18n import _
from lms_core.kernel.schemas import Schema
from lms_core.kernel.traversal import parse_uuid
from lms_core.settings import Settings, SettingsError

if TYPE_CHECKING:
    from lms_core.courses.content.workshop import Workshop

Content = dict[str, Any]
"""A lesson's content as JSON: the keys in camelCase, ids as strings."""


class NoCriteria(Schema):
    """Nothing but time, ``minSeconds`` of it, can be asked before the lesson counts as completed."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """Content ready to be stored, and the names of what was taken out of it (``iframe``, ``onclick``, ``data:``)."""

    content: Content
    removed: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class ContentFile:
    """A file that the author may use. ``size`` is in bytes; ``mime_type`` is told by the content, not by the name."""

    id: uuid.UUID
    name: str
    size: int
    mime_type: str
    infected: bool = False

    @property
    def described(self) -> Content:
        """``fileId``, ``name``, ``size`` and ``mimeType``: all that a lesson needs to offer the file."""
        return {"fileId": str(self.id), "name": self.name, "size": self.size, "mimeType": self.mime_type}


FindFiles = Callable[[Collection[uuid.UUID]], Iterable[ContentFile]]
"""Answers those of the files that are there and that the author may use."""


class ContentContext:
    """What :meth:`ContentType.prepare` works with: the settings, and the files that the author may use.

    ``used`` are the files that were asked for: whoever may read the lesson may read them.
    """

    def __init__(self, settings: Settings, find: FindFiles) -> None:
        self.settings = settings
        self.used: dict[uuid.UUID, ContentFile] = {}
        self._known: dict[uuid.UUID, ContentFile] = {}
        self._find = find

    def file(self, file_id: str, field: str, kinds: Collection[str] = ()) -> ContentFile:
        """:meth:`files` for one."""
        return self.files([file_id], field, kinds)[0]

    def files(self, file_ids: Iterable[str], field: str, kinds: Collection[str] = ()) -> list[ContentFile]:
        """The files in the order given, once all of them may be used and are of one of the kinds.

        A kind is a media type (``application/pdf``) or the beginning of one (``video/``). Raises 422 for the field:
        ``file_unknown`` (not there, deleted, or not the author's), ``file_infected`` and ``file_kind_wrong``.
        """
        wanted = [uuid.UUID(file_id) for file_id in file_ids]
        if missing := set(wanted) - self._known.keys():
            self._known.update({file.id: file for file in self._find(missing)})
        files = [_checked(file_id, self._known.get(file_id), field, kinds) for file_id in wanted]
        self.used.update({file.id: file for file in files})
        return files

    def files_in(self, html: str, field: str) -> list[ContentFile]:
        """The files of this installation that sanitized HTML shows or links to; raises as :meth:`files` does."""
        base = self.settings.text("lms.url").rstrip("/")
        paths = (address.removeprefix(base).removeprefix(urlsplit(base).path) for address in addresses(html))
        found = dict.fromkeys(file_id for path in paths if (file_id := _file_named(path)))
        return self.files(found, field)

    def address(self, url: str, field: str, hosts: Iterable[str]) -> str:
        """An HTTPS address on one of the hosts, as it may be kept. Raises 422 ``host_not_allowed`` for the field.

        ``*.example.org`` means every host below it. This installation itself is never among them: what is embedded
        from here would have the rights of whoever looks at it.
        """
        found = hosted_address(url, hosts)
        if found is None or urlsplit(found).hostname == urlsplit(self.settings.text("lms.url")).hostname:
            message = _("Not an https:// address on one of these hosts: ${hosts}.", mapping={"hosts": ", ".join(hosts)})
            raise Invalid("host_not_allowed", message, errors={field: [message]})
        return found


def _file_named(path: str) -> str | None:
    before, prefix, rest = path.partition("/api/v1/files/")
    file_id, slash, what = rest.partition("/")
    named = not before and bool(prefix and slash) and what.startswith("content") and parse_uuid(file_id) is not None
    return file_id if named else None


def _checked(file_id: uuid.UUID, file: ContentFile | None, field: str, kinds: Collection[str]) -> ContentFile:
    if file is None:
        message = _("There is no file ${id}.", mapping={"id": str(file_id)})
        raise Invalid("file_unknown", message, errors={field: [message]})
    if file.infected:
        message = _("“${name}” is infected.", mapping={"name": file.name})
        raise Invalid("file_infected", message, errors={field: [message]})
    if kinds and not any(file.mime_type == kind or _begins(file.mime_type, kind) for kind in kinds):
        named = {"name": file.name, "kind": file.mime_type}
        message = _("“${name}” (${kind}) does not fit here.", mapping=named)
        raise Invalid("file_kind_wrong", message, errors={field: [message]})
    return file


def _begins(mime_type: str, kind: str) -> bool:
    return kind.endswith("/") and mime_type.startswith(kind)


def refusal(code: str, field: str, message: str) -> Invalid:
    """A 422 about one field."""
    return Invalid(code, message, errors={field: [message]})


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of a student in a lesson, of which the time alone is not the client's word.

    ``seconds`` were spent there. Of the ``extent`` parts that there are (None: nobody knows), so many were ``seen``,
    and no more than a person can take in within that time. ``finished`` and ``score``, a percentage, are what the page
    of another site has reported.
    """

    seconds: int = 0
    seen: int = 0
    extent: int | None = None
    finished: bool = False
    score: Decimal | None = None

    @property
    def percent(self) -> Decimal | None:
        """What was seen, in percent rounded down to hundredths; None where nobody knows how much there is."""
        if not self.extent:
            return None
        return Decimal(min(self.seen, self.extent) * 10_000 // self.extent) / 100


@dataclass(frozen=True, slots=True)
class Lack:
    """A criterion that is not met: its name, as in ``completionCriteria``, what it asks, and how far the student is."""

    criterion: str
    needed: Any
    reached: Any


def short_of(criteria: Mapping[str, Any], criterion: str, reached: Decimal | None) -> list[Lack]:
    """The lack of a number that has to be reached, where it is asked for.

    None is what cannot be told (a recording whose length nobody knows): nobody is held up by it.
    """
    needed = criteria.get(criterion)
    if needed is None or reached is None or reached >= needed:
        return []
    return [Lack(criterion, needed, float(reached))]


class ContentType:
    """What a lesson can be. Derive from it, and say what content holds and how it is checked.

    Content is JSON, and so is what every method gets and answers. Fields of ``schema`` that are ``dump_only`` are not
    the author's: :meth:`prepare` or :meth:`process` fills them in, and what a client sends back of them is ignored.
    """

    name: ClassVar[str]
    """What ``contentType`` says; lower-case letters and underscores."""
    title: ClassVar[str]
    """What a person reads; translatable."""
    schema: ClassVar[type[Schema]]
    """Of ``content``. Give every field its limits, and a ``title`` in its metadata: editors are built of it."""
    criteria: ClassVar[type[Schema]] = NoCriteria
    """Of ``completionCriteria``: what can be asked before the lesson counts as completed."""
    processed: ClassVar[Collection[str]] = ()
    """The fields that :meth:`process` looks at; it runs when one of them has changed. Empty: it never runs."""
    parts: ClassVar[str] = ""
    """What clients count in ``seen`` and ``position``: ``second``, ``page``, ...; empty where there is nothing to."""
    pace: ClassVar[float | None] = None
    """How many parts a person can take in within a second; None where time is no bound."""
    measured: ClassVar[Collection[str]] = ()
    """The fields that :meth:`extent` looks at: it gets no others."""
    reports: ClassVar[bool] = False
    """Whether the page that is shown tells the client how it went: ``finished`` and ``score`` of a heartbeat."""

    def prepare(self, content: Content, context: ContentContext) -> Prepared:
        """Clean what an author sends and ask ``context`` for its files; runs in the author's request.

        ``content`` has passed the schema. What was prepared once is prepared again without loss: clients send back
        what they have read. Raises ``Invalid`` with ``errors`` by field.
        """
        return Prepared(content)

    def minutes(self, content: Mapping[str, Any]) -> int | None:
        """How long the lesson takes, where its author does not say; ``content`` with what :meth:`process` found."""
        return None

    def shows(self, content: Mapping[str, Any]) -> bool:
        """Whether there is anything in it for students: no course is published with a lesson that shows nothing."""
        return True

    def process(self, content: Mapping[str, Any], workshop: "Workshop") -> Mapping[str, Any]:
        """What can be told of the content by looking into its files: values of ``dump_only`` fields, or nothing.

        Runs in a worker after the commit, perhaps more than once. It writes nothing but through the workshop.
        """
        return {}

    def extent(self, content: Mapping[str, Any]) -> int | None:
        """How many ``parts`` there are, told by the ``measured`` fields of the content; None where they do not tell."""
        return None

    def can_tell(self, criteria: Mapping[str, Any], content: Mapping[str, Any]) -> bool:
        """Whether it can be told of students that they meet the criteria; ``content`` with what :meth:`process` found.

        No course is published with a lesson of which that is not so: nobody would be held up by it. What is still to
        be found out can be told.
        """
        return True

    def lacking(self, criteria: Mapping[str, Any], evidence: Evidence) -> Sequence[Lack]:
        """What of the criteria is not met yet. Runs in the transaction that would complete the lesson."""
        return ()


def content_types(core: Core) -> dict[str, ContentType]:
    """Every content type by its name, in the order of the plugins' names."""
    return {each.name: each for each in core.plugins.gather("lms_content_types")}


def content_type(core: Core, name: str) -> ContentType:
    """The content type of that name. Raises 422 ``content_type_unknown``."""
    found = content_types(core).get(name)
    if found is None:
        raise Invalid("content_type_unknown", _("No such content type."), errors={"contentType": [name]})
    return found


def available_type(core: Core, name: str) -> ContentType:
    """The content type of a lesson that is there already. Raises 409 ``content_type_unavailable``."""
    found = content_types(core).get(name)
    if found is None:
        message = _("The content type “${name}” is switched off.", mapping={"name": name})
        raise Conflict("content_type_unavailable", message)
    return found


def check_content_types(core: Core) -> None:
    """Raises SettingsError where two plugins bring types of one name."""
    names = [each.name for each in core.plugins.gather("lms_content_types")]
    for name in names:
        if names.count(name) > 1:
            raise SettingsError(f"two plugins bring a content type named {name}")
