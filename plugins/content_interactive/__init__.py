"""Interactive lessons: a page of another site inside the lesson, such as an H5P exercise or a simulation.

An author sends the address as ``src``, or the embed code that the other site hands out as ``embedCode``. No HTML is
kept of it: what remains is ``{src, width, height, title, allow, sandbox}``, which is all that a client needs to make
an iframe of its own. ``src`` is an HTTPS address on one of ``lms.content.embed_hosts``; of what the frame may do,
``allow`` is chosen from a short list, and ``sandbox`` is ours to say.

Such pages tell the one around them how it went (by ``postMessage``; H5P sends xAPI statements that way). A client hands
on what it hears with its heartbeats: ``finished`` and ``score``. It is the client's word, and no grade is made of it.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from lms_core.plugin_api import (
    ContentContext,
    ContentType,
    Evidence,
    Lack,
    Prepared,
    Schema,
    Setting,
    Text,
    _,
    fields,
    hookimpl,
    refusal,
    short_of,
    validate,
)

from .frame import FEATURES, frame_in

api_version = "1"

HOSTS = "lms.content.embed_hosts"
KNOWN_HOSTS = (
    "www.youtube-nocookie.com, www.youtube.com, player.vimeo.com, h5p.org, *.h5p.com, phet.colorado.edu, "
    "www.geogebra.org"
)
SANDBOX = ("allow-forms", "allow-popups", "allow-presentation", "allow-same-origin", "allow-scripts")
"""What the other site's page may do. Its origin is its own, never ours, so these do not add up to leaving the box."""

_PIXELS = validate.Range(1, 10_000)


class InteractiveContent(Schema):
    """A page of another site, in a frame."""

    src = fields.String(validate=validate.Length(max=2000), metadata={"title": _("Address"), "format": "uri"})
    embed_code = fields.String(
        load_only=True, validate=validate.Length(max=10_000), metadata={"title": _("Embed code"), "format": "html"}
    )
    width = fields.Integer(strict=True, validate=_PIXELS, metadata={"title": _("Width in pixels")})
    height = fields.Integer(strict=True, validate=_PIXELS, metadata={"title": _("Height in pixels")})
    title = Text(max=255, metadata={"title": _("Title")})
    allow = fields.List(
        fields.String(validate=validate.OneOf(FEATURES)),
        validate=validate.Length(max=len(FEATURES)),
        metadata={"title": _("What the page may use")},
    )
    sandbox = fields.List(fields.String(), dump_only=True)


class InteractiveCriteria(Schema):
    """``finished``: whether the page must have reported its end; ``minScore``: the score that it must have reported."""

    finished = fields.Boolean(metadata={"title": _("The page has to report its end")})
    min_score = fields.Integer(
        strict=True, validate=validate.Range(1, 100), metadata={"title": _("Least score in percent")}
    )


class InteractiveType(ContentType):
    name = "interactive"
    title = _("Interactive page")
    schema = InteractiveContent
    criteria = InteractiveCriteria
    reports = True

    def prepare(self, content: dict[str, Any], context: ContentContext) -> Prepared:
        given, removed = dict(content), list[str]()
        if ("src" in given) == ("embedCode" in given):
            raise refusal("invalid", "src", _("Give either an address or an embed code."))
        field = "embedCode" if "embedCode" in given else "src"
        if field == "embedCode":
            found, removed = frame_in(given.pop("embedCode"))
            given = found | given
        hosts = context.settings.words(HOSTS)
        kept = {"src": context.address(given["src"], field, hosts)}
        kept |= {name: given[name] for name in ("width", "height", "title") if name in given}
        allowed = sorted(set(given.get("allow", ())))
        return Prepared({**kept, "allow": allowed, "sandbox": list(SANDBOX)}, removed)

    def lacking(self, criteria: Mapping[str, Any], evidence: Evidence) -> Sequence[Lack]:
        unfinished = criteria.get("finished") and not evidence.finished
        lacks = [Lack("finished", True, False)] if unfinished else []
        return [*lacks, *short_of(criteria, "minScore", evidence.score or Decimal(0))]


@hookimpl
def lms_settings() -> list[Setting]:
    return [
        Setting(HOSTS, "words", KNOWN_HOSTS, "Hosts whose pages a lesson may embed; `*.` before a name means all below")
    ]


@hookimpl
def lms_content_types() -> list[ContentType]:
    return [InteractiveType()]
