"""What a certificate says: frozen when it is issued, and signed."""

import base64
import datetime as dt
import re
import unicodedata
from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import orjson

from lms_core.certificates.keys import SigningKeys

LONGEST_NAME = 300
"""Characters of a name or a title that are printed; nobody's is longer but by somebody's design."""
LONGEST_DESCRIPTION = 1000
_EAST_ASIAN = re.compile(
    r"[\u2e80-\u2fff\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff]+"
)
_STEERING = re.compile(r"[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
"""What turns the direction of the text around it: a name could rewrite its neighbours with it."""


def statement(
    facts: Any, issuer: Mapping[str, str], language: str, issued_at: dt.datetime, expires_at: dt.datetime | None
) -> dict[str, Any]:
    """The frozen words of a certificate, from a row of :func:`lms_core.certificates.queries.facts`.

    Its days are those of the holder's calendar: all of them, or it would be issued before it was earned.
    """
    zone = zone_of(facts.timezone)
    return {
        "holder": {
            "name": printed_name(facts.first_name, facts.last_name),
            "language": facts.preferred_language,
            "timezone": facts.timezone,
        },
        "course": {
            "id": str(facts.course_id),
            "code": facts.code,
            "title": plain(facts.title),
            "description": _shortened(facts.description or ""),
            "language": facts.language,
            "version": facts.version,
            "minutes": facts.duration_minutes,
            "instructor": printed_name(facts.instructor_first_name, facts.instructor_last_name),
        },
        "completedOn": facts.completed_at.astimezone(zone).date().isoformat(),
        "issuedOn": issued_at.astimezone(zone).date().isoformat(),
        "expiresOn": expires_at.astimezone(zone).date().isoformat() if expires_at is not None else None,
        "grade": plain(facts.grade) if facts.grade else None,
        "issuer": dict(issuer),
        "language": language,
    }


def days(certificate: Any) -> tuple[dt.date, dt.date | None]:
    """On which days a certificate was issued and expires: as it says, or, where it is from before it did, in UTC."""
    said = certificate.extra
    if "issuedOn" in said:
        expires_on = said["expiresOn"]
        return dt.date.fromisoformat(said["issuedOn"]), dt.date.fromisoformat(expires_on) if expires_on else None
    expires_at = certificate.expires_at
    return certificate.issued_at.astimezone(dt.UTC).date(), expires_at.astimezone(dt.UTC).date() if expires_at else None


def printed_name(first: str, last: str) -> str:
    """As its bearer writes it: in Chinese, Japanese and Korean the family comes first, and nothing between."""
    first, last = plain(first), plain(last)
    if _EAST_ASIAN.fullmatch(first) and _EAST_ASIAN.fullmatch(last):
        return last + first
    return plain(f"{first} {last}")


def _shortened(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= LONGEST_DESCRIPTION else f"{line[: LONGEST_DESCRIPTION - 1]}…"


def plain(text: str) -> str:
    """A line that anybody may have written, without what no letter is: controls, line breaks, changes of direction."""
    kept = (" " if unicodedata.category(each) in ("Cc", "Zl", "Zp") else each for each in _STEERING.sub("", text))
    line = " ".join(unicodedata.normalize("NFC", "".join(kept)).split())
    return line if len(line) <= LONGEST_NAME else f"{line[: LONGEST_NAME - 1]}…"


def signature_of(keys: SigningKeys, certificate: Any) -> str:
    """Over the number, all that it says, its times, and the PDF by its checksum; in Base64."""
    return base64.b64encode(keys.sign(_signed_bytes(certificate))).decode()


def is_signed(keys: SigningKeys, row: Any) -> bool:
    """Whether a row says what one of the keys has signed."""
    if row.signature is None or row.key_name is None:
        return False
    try:
        signature = base64.b64decode(row.signature, validate=True)
    except ValueError:
        return False
    return any(keys.fits(row.key_name, signed, signature) for signed in (_signed_bytes(row), _signed_at_first(row)))


def _signed_bytes(row: Any) -> bytes:
    """The same bytes for the same certificate, whoever writes them down."""
    return b"lms-certificate 2 " + _canonical(row, row.checksum)


def _signed_at_first(row: Any) -> bytes:
    """What was signed before the PDF was part of it. No signature of one form fits the other: their beginnings differ.

    Nothing is signed so any more.
    """
    return b"lms-certificate " + _canonical(row)


def _canonical(row: Any, *more: str) -> bytes:
    times = [None if each is None else each.astimezone(dt.UTC).isoformat() for each in (row.issued_at, row.expires_at)]
    return orjson.dumps([row.certificate_number, row.extra, *times, *more], option=orjson.OPT_SORT_KEYS)


def zone_of(name: str | None) -> dt.tzinfo:
    """The time zone of this name, or else UTC."""
    try:
        return ZoneInfo(name or "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return dt.UTC
