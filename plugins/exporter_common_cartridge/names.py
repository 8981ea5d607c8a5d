"""Names of files that every file system, archiver and importer takes as they are."""

import re
import unicodedata
from collections.abc import Iterable

MAX_BYTES = 150
"""Of a name in UTF-8, so that it fits wherever it is unpacked."""
MAX_SUFFIX = 20

_RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?", re.IGNORECASE)
"""Devices, to Windows."""


def safe_name(name: str, fallback: str = "file") -> str:
    """The letters and digits of a name, of any script, with underscores for all else; never reserved or empty."""
    stem, suffix = _split(name)
    suffix = f".{_clean(suffix)}" if _clean(suffix) else ""
    safe = (_cut(_clean(stem), MAX_BYTES - len(suffix.encode())) or fallback) + suffix
    return f"_{safe}" if _RESERVED.fullmatch(safe) else safe


def _clean(text: str) -> str:
    letters = (
        letter if letter in ".-_" or unicodedata.category(letter)[0] in "LMN" else "_"
        for letter in unicodedata.normalize("NFC", text)
    )
    return re.sub(r"[_.]*_[_.]*", "_", re.sub(r"\.{2,}", ".", "".join(letters))).strip("._-")


def unique_names(names: Iterable[str]) -> list[str]:
    """The names made safe, in their order; where two are the same to any file system, the later ones are numbered."""
    made: list[str] = []
    taken: set[str] = set()
    for name in map(safe_name, names):
        stem, suffix = _split(name)
        number, found = 2, name
        while _folded(found) in taken:
            found, number = f"{stem}-{number}{suffix}", number + 1
        taken.add(_folded(found))
        made.append(found)
    return made


def _folded(name: str) -> str:
    return unicodedata.normalize("NFKC", name).casefold()


def _split(name: str) -> tuple[str, str]:
    stem, dot, suffix = name.rpartition(".")
    return (stem, dot + suffix) if dot and len(suffix.encode()) <= MAX_SUFFIX else (name, "")


def _cut(text: str, most: int) -> str:
    """As many whole letters as fit into so many bytes."""
    return text.encode()[:most].decode(errors="ignore")
