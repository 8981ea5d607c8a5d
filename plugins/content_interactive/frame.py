"""The frame in an embed code, and all that is in the code besides."""

import re
from html.parser import HTMLParser
from typing import Any

from lms_core.plugin_api import _, refusal

FEATURES = (
    "accelerometer", "autoplay", "camera", "clipboard-write", "encrypted-media", "fullscreen", "geolocation",
    "gyroscope", "microphone", "picture-in-picture",
)  # fmt: skip
"""What the permissions policy of a frame may hand on; a browser asks its user before it lets any sensor be used."""

_PIXELS = re.compile(r"\s*(\d{1,4})\s*(?:px)?\s*")
_SHOWN = frozenset({"br", "div", "figure", "p", "span"})
"""Wrappers that nobody misses."""


class _Finder(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.frames: list[dict[str, str]] = []
        self.removed: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "iframe":
            # Of several attributes with one name, browsers take the first.
            self.frames.append({name: value or "" for name, value in reversed(attrs)})
        elif tag not in _SHOWN:
            self.removed.add(tag)
        self.removed |= {name for name, _value in attrs if name.startswith("on") or name == "srcdoc"}


def frame_in(code: str) -> tuple[dict[str, Any], list[str]]:
    """``src``, ``width``, ``height``, ``title`` and ``allow`` of the one frame in the code, and what was left out.

    Raises 422 for the field ``embedCode`` where there is no frame, or more than one.
    """
    finder = _Finder()
    finder.feed(code)
    finder.close()
    if len(finder.frames) != 1:
        raise refusal("invalid", "embedCode", _("An embed code holds one <iframe>."))
    frame = finder.frames[0]
    found: dict[str, Any] = {"src": _https(frame.get("src", "")), "allow": _features(frame)}
    for name in ("width", "height"):
        pixels = _PIXELS.fullmatch(frame.get(name, ""))
        if pixels and int(pixels[1]):
            found[name] = int(pixels[1])
    title = " ".join("".join(letter for letter in frame.get("title", "") if letter.isprintable()).split())[:255]
    if title:
        found["title"] = title
    return found, sorted(finder.removed)


def _https(address: str) -> str:
    """Embed codes of old name their site without a scheme, or by one that browsers no longer show inside a page."""
    return re.sub(r"^(?:http:)?//", "https://", address.strip(), count=1, flags=re.IGNORECASE)


def _features(frame: dict[str, str]) -> list[str]:
    asked = {each.split()[0].lower() for each in frame.get("allow", "").split(";") if each.split()}
    asked |= {"fullscreen"} if "allowfullscreen" in frame else set()
    return sorted(asked & set(FEATURES))
