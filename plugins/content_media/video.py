"""The plugin ``content_video``."""

from collections.abc import Mapping
from typing import Any

from lms_core.plugin_api import (
    CannotProcess,
    ContentContext,
    ContentType,
    Prepared,
    Setting,
    Workshop,
    _,
    hookimpl,
)

from .ffmpeg import measure, still
from .minutes import minutes_of
from .played import Played
from .schemas import MediaCriteria, VideoContent, check_media

api_version = "1"

HOSTS = "lms.content.video_hosts"


class VideoType(Played):
    name = "video"
    title = _("Video")
    schema = VideoContent
    criteria = MediaCriteria
    processed = ("fileId",)

    def prepare(self, content: dict[str, Any], context: ContentContext) -> Prepared:
        return Prepared(check_media(content, context, ("video/",), HOSTS))

    def minutes(self, content: Mapping[str, Any]) -> int | None:
        return minutes_of(content)

    def process(self, content: Mapping[str, Any], workshop: Workshop) -> Mapping[str, Any]:
        if "fileId" not in content:
            return {}
        file_id, kind = content["fileId"], content["mimeType"]
        found: dict[str, Any] = {}
        try:
            path = workshop.fetch(file_id)
            measured = measure(workshop, path, kind)
            found["measuredSeconds"] = measured.seconds
            if not measured.width:
                raise CannotProcess("no_picture")
            found |= {"width": measured.width, "height": measured.height}
            picture = still(workshop, path, kind, measured)
            found["stillFileId"] = workshop.keep(file_id, "still", picture, f"{content['name']}.jpg")
        except CannotProcess as error:
            found["problem"] = error.problem
        return found


@hookimpl
def lms_settings() -> list[Setting]:
    hosts = "www.youtube-nocookie.com, www.youtube.com, player.vimeo.com"
    return [
        Setting(HOSTS, "words", hosts, "Hosts whose films a video lesson may show; `*.` before a name means all below")
    ]


@hookimpl
def lms_content_types() -> list[ContentType]:
    return [VideoType()]
