"""What video and audio lessons hold, and what completing one can demand."""

from typing import Any

from lms_core.plugin_api import ContentContext, Schema, Text, _, fields, refusal, validate

TRACK_KINDS = ("captions", "subtitles", "descriptions", "chapters", "metadata")
PICTURES = ("image/png", "image/jpeg", "image/webp", "image/avif", "image/gif")
_LANGUAGE = r"^[a-zA-Z]{2,3}(-[a-zA-Z0-9]{2,8}){0,3}$"
_DAY = 86_400


class Track(Schema):
    """Text that goes along with the recording."""

    file_id = fields.UUID(required=True, metadata={"title": _("WebVTT file")})
    kind = fields.String(
        required=True, validate=validate.OneOf(TRACK_KINDS), metadata={"title": _("What the text is for")}
    )
    language = Text(max=35, required=True, validate=validate.Regexp(_LANGUAGE), metadata={"title": _("Language")})
    label = Text(max=100, metadata={"title": _("Name in the menu")})
    default = fields.Boolean(metadata={"title": _("Shown unless chosen otherwise")})


class MediaContent(Schema):
    """A recording."""

    file_id = fields.UUID(metadata={"title": _("File")})
    url = fields.String(validate=validate.Length(max=2000), metadata={"title": _("Address"), "format": "uri"})
    duration_seconds = fields.Integer(
        strict=True, validate=validate.Range(1, _DAY), metadata={"title": _("Length in seconds")}
    )
    tracks = fields.List(
        fields.Nested(Track), validate=validate.Length(max=50), metadata={"title": _("Captions and other texts")}
    )
    name = fields.String(dump_only=True)
    size = fields.Integer(dump_only=True)
    mime_type = fields.String(dump_only=True)
    measured_seconds = fields.Integer(dump_only=True)
    problem = fields.String(
        dump_only=True,
        metadata={"description": "Why it was not measured: tool_missing, unreadable, too_complex, file_gone, ..."},
    )


class VideoContent(MediaContent):
    """A film."""

    poster_file_id = fields.UUID(metadata={"title": _("Picture before it runs")})
    width = fields.Integer(dump_only=True)
    height = fields.Integer(dump_only=True)
    still_file_id = fields.UUID(dump_only=True)


class AudioContent(MediaContent):
    """A sound recording."""


class MediaCriteria(Schema):
    """``playedPercent``: the share of the recording that must have been played."""

    played_percent = fields.Integer(
        strict=True, validate=validate.Range(1, 100), metadata={"title": _("Percentage to play")}
    )


def check_media(content: dict[str, Any], context: ContentContext, kinds: tuple[str, ...], hosts: str) -> dict[str, Any]:
    """Content as it is kept; ``kinds`` of files, and the name of the setting that lists ``hosts``."""
    checked = dict(content)
    if ("fileId" in content) == ("url" in content):
        raise refusal("invalid", "fileId", _("Give either a file or an address."))
    if "url" in content:
        checked["url"] = context.address(content["url"], "url", context.settings.words(hosts))
    else:
        checked |= context.file(content["fileId"], "fileId", kinds).described
    context.files([track["fileId"] for track in content.get("tracks", [])], "tracks", ("text/vtt",))
    if "posterFileId" in content:
        context.file(content["posterFileId"], "posterFileId", PICTURES)
    return checked
