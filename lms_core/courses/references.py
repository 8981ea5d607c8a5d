"""How a course that travels names its files: by keys of the archive, wherever its JSON or HTML has an id or an address.

Ids mean nothing elsewhere. What leaves has ``lms-file:<key>`` for an address and ``lms-file-id:<key>`` for an id, the
key URL-quoted; what arrives has the ids that its files got here.
"""

import re
from collections.abc import Callable, Collection, Iterator, KeysView, Mapping
from typing import Any
from urllib.parse import quote, unquote

from lms_core.courses.importing import FILE_SCHEME

FILE_ID_SCHEME = "lms-file-id:"
"""How a text in ``details`` that is the id of a file names that file."""

MOST_NESTED = 32
"""Levels of JSON; nothing that an author writes is that deep."""

_REFERENCE = re.compile(rf"""({re.escape(FILE_SCHEME)}|{re.escape(FILE_ID_SCHEME)})([^\s"'<>&?#]+)""")
_UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"

Rewrite = Callable[[str, str], str]
"""``rewrite(scheme, key)``: what is to stand there instead."""


def file_address(file_id: object) -> str:
    """Where the bytes of a file are, as a page of a lesson names them."""
    return f"/api/v1/files/{file_id}/content"


def map_texts(value: Any, change: Callable[[str], str], level: int = 0) -> Any:
    """JSON with every text in it changed, but for the keys. Raises ValueError where it is nested absurdly deep."""
    if isinstance(value, str):
        return change(value)
    if not isinstance(value, list | Mapping):
        return value
    if level == MOST_NESTED:
        raise ValueError("nested too deep")
    if isinstance(value, list):
        return [map_texts(each, change, level + 1) for each in value]
    return {key: map_texts(each, change, level + 1) for key, each in value.items()}


def texts_in(value: Any) -> KeysView[str]:
    """Every text in JSON, each once, in order. Raises ValueError as :func:`map_texts` does."""
    found: dict[str, None] = {}

    def note(text: str) -> str:
        found[text] = None
        return text

    map_texts(value, note)
    return found.keys()


def map_references(value: Any, rewrite: Rewrite) -> Any:
    """JSON or a text with every reference to a file rewritten. Raises ValueError as :func:`map_texts` does."""
    return map_texts(value, lambda text: _REFERENCE.sub(lambda found: rewrite(found[1], unquote(found[2])), text))


def referenced_files(value: Any) -> Iterator[str]:
    """The keys that JSON or a text refers to, each once, in order. Raises ValueError as :func:`map_texts` does."""
    found = (each[2] for text in texts_in(value) for each in _REFERENCE.finditer(text))
    yield from dict.fromkeys(map(unquote, found))


def with_references(value: Any, base: str, there: Collection[str], gone: Collection[str]) -> Any:
    """JSON whose ids and addresses of files become references, their keys being the ids.

    ``base`` is the public URL, which an address may begin with. The address of a file that is ``gone`` becomes ``#``;
    an id of it stays, and so does whatever else looks like an id.
    """
    address = re.compile(rf"(?:{re.escape(base.rstrip('/'))})?{file_address(f'({_UUID})')}")

    def at(found: re.Match[str]) -> str:
        return FILE_SCHEME + quote(found[1]) if found[1] in there else "#" if found[1] in gone else found[0]

    return map_texts(value, lambda text: FILE_ID_SCHEME + quote(text) if text in there else address.sub(at, text))
