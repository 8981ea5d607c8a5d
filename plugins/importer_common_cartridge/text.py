"""Titles and names, made fit for people and for the database."""

import unicodedata
from pathlib import PurePosixPath

MAX_TITLE = 255
"""Characters."""

SEPARATOR = " / "


def clean(text: str | None) -> str:
    """One line: control characters and runs of white space become single spaces."""
    if not text:
        return ""
    # A text is cut before it is looked at letter by letter, so that an absurd one costs nothing.
    shown = (" " if unicodedata.category(letter) in {"Cc", "Cs"} else letter for letter in text[: MAX_TITLE * 20])
    return " ".join("".join(shown).split())


def title_of(*candidates: str | None) -> str:
    """The first candidate that says anything, at most :data:`MAX_TITLE` characters long; "" if none does."""
    for candidate in candidates:
        if title := clean(candidate):
            return title if len(title) <= MAX_TITLE else title[: MAX_TITLE - 1].rstrip() + "…"
    return ""


def within(folder: str, title: str) -> str:
    """The title with its folder before it; what doesn't fit is cut from the folder."""
    room = MAX_TITLE - len(title) - len(SEPARATOR)
    return f"{folder[:room].rstrip()}{SEPARATOR}{title}" if folder and room > 0 else title


def file_name(path: str) -> str:
    """The last part of a path, at most :data:`MAX_TITLE` characters long, with its suffix."""
    name = PurePosixPath(clean(path) or "file")
    if len(name.name) <= MAX_TITLE:
        return name.name
    suffix = name.suffix[:20]
    return name.stem[: MAX_TITLE - len(suffix)] + suffix


def paragraphs(text: str | None) -> str:
    """Text of many lines without control characters other than line ends and tabs."""
    kept = (letter for letter in text or "" if letter in "\n\t" or unicodedata.category(letter) not in {"Cc", "Cs"})
    return "".join(kept).strip()
