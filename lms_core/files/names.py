"""The names of files: harmless to show, and never used as paths."""

import re
import unicodedata
from urllib.parse import quote

MAX_NAME = 255
"""Characters."""

_JOINERS = "\u200c\u200d"
"""Invisible, but Persian, Hindi and emoji are spelled with them."""

_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Controls, format characters (those that turn the direction of text among them), and what is no character."""


def display_name(name: str) -> str:
    """The last part of a path, without characters that hide or reorder others; ``file`` if nothing is left."""
    last = re.split(r"[/\\]", name[: MAX_NAME * 20])[-1]
    shown = "".join(
        letter
        for letter in unicodedata.normalize("NFC", last)
        if letter in _JOINERS or unicodedata.category(letter) not in _HIDDEN
    )
    shown = " ".join(shown.split())
    if not shown.strip("."):
        return "file"
    if len(shown) <= MAX_NAME:
        return shown
    stem, dot, suffix = shown.rpartition(".")
    ending = dot + suffix if stem and len(suffix) <= 16 else ""
    return shown[: MAX_NAME - len(ending)] + ending


def content_disposition(kind: str, name: str) -> str:
    """The header (RFC 6266): ``attachment; filename="r_sum_.pdf"; filename*=UTF-8''r%C3%A9sum%C3%A9.pdf``."""
    plain = re.sub(r'[^\x20-\x7e]|["\\%]', "_", name)
    return f"{kind}; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
