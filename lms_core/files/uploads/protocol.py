"""The headers of the tus protocol."""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from lms_core.files.storage import Readable
from lms_core.kernel.errors import BadRequest, ChecksumMismatch
from lms_core.kernel.i18n import _

VERSION = "1.0.0"
EXTENSIONS = "creation,creation-with-upload,expiration,termination,checksum"
CHUNK_TYPE = "application/offset+octet-stream"
ALGORITHMS: Mapping[str, Any] = MappingProxyType({"sha1": hashlib.sha1, "sha256": hashlib.sha256})
MAX_METADATA = 4096
"""Characters of the header."""

_NUMBER = re.compile(r"[0-9]{1,15}")
_KEY = re.compile(r"[\x21-\x2b\x2d-\x7e]+")
_NAMES = ("filename", "name")
"""The keys of the metadata that clients put a file's name under."""


def number(text: str | None, header: str) -> int:
    """A header's count of bytes. Raises 400 ``upload_header_invalid``."""
    if text is None or not _NUMBER.fullmatch(text):
        raise _invalid(header)
    return int(text)


def file_name(metadata: str) -> str:
    """What the metadata calls the file, or nothing. Raises 400 ``upload_header_invalid``."""
    if len(metadata) > MAX_METADATA:
        raise _invalid("Upload-Metadata")
    values: dict[str, str] = {}
    for pair in filter(None, (each.strip() for each in metadata.split(","))):
        key, _space, encoded = pair.partition(" ")
        if not _KEY.fullmatch(key) or key in values:
            raise _invalid("Upload-Metadata")
        values[key] = _decoded(encoded, "Upload-Metadata").decode(errors="replace")
    return next((values[key] for key in _NAMES if values.get(key)), "")


def _decoded(text: str, header: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise _invalid(header) from None


def _invalid(header: str) -> BadRequest:
    return BadRequest(
        "upload_header_invalid", _("The header ${name} is missing or not well-formed.", mapping={"name": header})
    )


@dataclass(slots=True)
class Checksum:
    """What the bytes of one request are to add up to."""

    _digest: Any
    _expected: bytes

    @classmethod
    def of(cls, header: str | None) -> "Checksum | None":
        """The header ``sha1 2jmj7l5rSw0yVb/vlWAYkK/YBwk=``. Raises 400 ``checksum_unsupported``."""
        if header is None:
            return None
        name, _space, encoded = header.partition(" ")
        if name not in ALGORITHMS:
            known = ", ".join(ALGORITHMS)
            raise BadRequest("checksum_unsupported", _("Checksums can be of: ${names}.", mapping={"names": known}))
        return cls(ALGORITHMS[name](usedforsecurity=False), _decoded(encoded, "Upload-Checksum"))

    def over(self, stream: Readable) -> Readable:
        """The stream; what is read of it counts."""
        return _Summed(stream, self._digest)

    def check(self) -> None:
        """Raises 460 ``checksum_mismatch``."""
        if not hmac.compare_digest(self._digest.digest(), self._expected):
            raise ChecksumMismatch("checksum_mismatch", _("The bytes are not those that the checksum was made of."))


class _Summed:
    def __init__(self, stream: Readable, digest: Any) -> None:
        self._stream, self._digest = stream, digest

    def read(self, size: int, /) -> bytes:
        chunk = self._stream.read(size)
        self._digest.update(chunk)
        return chunk
