"""FFmpeg, asked about what strangers have uploaded.

It may open that one file and nothing else: by protocol (no network, no playlists of other files), and as the format
that the file's first bytes say it is, because what FFmpeg takes a file for by itself may be a list of other files.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lms_core.plugin_api import CannotProcess, Workshop

FORMATS: Mapping[str, str] = {
    "audio/aac": "aac", "audio/flac": "flac", "audio/mp4": "mov", "audio/mpeg": "mp3", "audio/ogg": "ogg",
    "audio/wav": "wav", "video/mp4": "mov", "video/quicktime": "mov", "video/webm": "matroska",
    "video/x-matroska": "matroska", "video/x-msvideo": "avi", "video/x-flv": "flv", "video/mpeg": "mpeg",
}  # fmt: skip
"""By the media type of a file, the name that FFmpeg has for its format."""

_SECONDS, _MEMORY = 60.0, 2 << 30
_MOST_SECONDS, _MOST_PIXELS = 7 * 86_400, 64_000_000
_WIDTH = 1280
_LATEST_STILL = 10.0
"""Seconds from the start: late enough to be past a black beginning, and soon found."""


@dataclass(frozen=True, slots=True)
class Measured:
    """Seconds, and pixels of the picture; 0 where there is none."""

    seconds: int
    width: int = 0
    height: int = 0


def _input(path: Path, mime_type: str) -> list[str]:
    if mime_type not in FORMATS:
        raise CannotProcess("unreadable")
    form = FORMATS[mime_type]
    return ["-protocol_whitelist", "file,pipe", "-f", form, "-i", f"file:{path}"]


def measure(workshop: Workshop, path: Path, mime_type: str) -> Measured:
    """How long a recording takes, and how large its picture is. Raises ``CannotProcess``."""
    entries = "format=duration:stream=codec_type,width,height:stream_disposition=attached_pic"
    asked = ["ffprobe", "-v", "error", "-show_entries", entries, "-of", "json", *_input(path, mime_type)]
    answer = workshop.run(*asked, seconds=_SECONDS, memory=_MEMORY)
    try:
        said = json.loads(answer)
        streams = said.get("streams", [])
        seconds = float(said["format"]["duration"])
    except (AttributeError, KeyError, TypeError, ValueError):
        raise CannotProcess("unreadable") from None
    if not 0 < seconds <= _MOST_SECONDS:
        raise CannotProcess("unreadable")
    films = [each for each in streams if each.get("codec_type") == "video" and not _is_cover(each)]
    picture = films[0] if films else {}
    return Measured(max(1, round(seconds)), int(picture.get("width", 0)), int(picture.get("height", 0)))


def _is_cover(stream: Mapping[str, Mapping[str, int]]) -> bool:
    return bool(stream.get("disposition", {}).get("attached_pic"))


def still(workshop: Workshop, path: Path, mime_type: str, measured: Measured) -> Path:
    """A picture of the film, as JPEG. Raises ``CannotProcess``."""
    if measured.width * measured.height > _MOST_PIXELS:
        raise CannotProcess("too_complex")
    target = workshop.folder / "still.jpg"
    moment = min(_LATEST_STILL, measured.seconds / 10)
    scaled = f"scale=w='min({_WIDTH},iw)':h=-2"
    made = ["-map", "0:V:0", "-frames:v", "1", "-vf", scaled, "-c:v", "mjpeg", "-f", "image2", "-update", "1"]
    before = ["ffmpeg", "-nostdin", "-v", "error", "-threads", "1", "-max_pixels", str(_MOST_PIXELS)]
    seek = ["-ss", f"{math.floor(moment * 10) / 10}"]
    workshop.run(*before, *seek, *_input(path, mime_type), *made, f"file:{target}", seconds=_SECONDS, memory=_MEMORY)
    if not target.exists():
        raise CannotProcess("unreadable")
    return target
