"""The plugin ``content_audio``."""

from collections.abc import Mapping
from typing import Any

from lms_core.plugin_api import CannotProcess, ContentContext, ContentType, Prepared, Setting, Workshop, _, hookimpl

from .ffmpeg import measure
from .minutes import minutes_of
from .played import Played
from .schemas import AudioContent, MediaCriteria, check_media

api_version = "1"

HOSTS = "lms.content.audio_hosts"
KINDS = ("audio/", "video/mp4", "video/webm")
"""Containers of films may hold sound alone, and their first bytes do not tell."""


class AudioType(Played):
    name = "audio"
    title = _("Audio")
    schema = AudioContent
    criteria = MediaCriteria
    processed = ("fileId",)

    def prepare(self, content: dict[str, Any], context: ContentContext) -> Prepared:
        return Prepared(check_media(content, context, KINDS, HOSTS))

    def minutes(self, content: Mapping[str, Any]) -> int | None:
        return minutes_of(content)

    def process(self, content: Mapping[str, Any], workshop: Workshop) -> Mapping[str, Any]:
        if "fileId" not in content:
            return {}
        try:
            path = workshop.fetch(content["fileId"])
            return {"measuredSeconds": measure(workshop, path, content["mimeType"]).seconds}
        except CannotProcess as error:
            return {"problem": error.problem}


@hookimpl
def lms_settings() -> list[Setting]:
    return [
        Setting(
            HOSTS, "words", "", "Hosts whose recordings an audio lesson may play; `*.` before a name means all below"
        )
    ]


@hookimpl
def lms_content_types() -> list[ContentType]:
    return [AudioType()]
