"""Open Badges 3.0 credentials (1EdTech), which are Verifiable Credentials (W3C), and what verifying them needs.

A verifier looks up the key at the address that the proof names, which is the issuer's with the key's name; and whether
it was revoked in a list (W3C Bitstring Status List), so that nobody can tell whose credential was looked up.
"""

import base64
import datetime as dt
import gzip
import hashlib
import secrets
from collections.abc import Iterable, Mapping
from typing import Any

from lms_core.certificates.addresses import Addresses
from lms_core.certificates.keys import SigningKeys, multikey
from lms_core.certificates.proofs import CREDENTIALS, IDENTIFIERS, OPEN_BADGES, add_proof, moment
from lms_core.kernel.core import Core
from lms_core.kernel.i18n import _

MEDIA_TYPE = "application/vc+ld+json"
LISTED = 131_072
"""Credentials of one list: the least that the specification allows, so that each hides among others."""


def badge(core: Core, keys: SigningKeys, certificate: Any, email: str) -> dict[str, Any]:
    """The signed credential of a certificate: a row with number, ``extra``, times and ``status_index``."""
    at, said = Addresses(core.settings), certificate.extra
    number, course = certificate.certificate_number, said["course"]
    listed, index = divmod(certificate.status_index, LISTED)
    document = {
        "@context": [CREDENTIALS, OPEN_BADGES],
        "id": at.credential(number),
        "type": ["VerifiableCredential", "OpenBadgeCredential"],
        "name": course["title"],
        "issuer": _issuer(at, said["issuer"]["name"]),
        "validFrom": moment(certificate.issued_at),
        "awardedDate": moment(certificate.issued_at),
        "credentialSubject": {
            "type": ["AchievementSubject"],
            "identifier": [_identity(email)],
            "achievement": _achievement(core, at, said),
        },
        "credentialStatus": {
            "id": f"{at.status_list(listed)}#{index}",
            "type": "BitstringStatusListEntry",
            "statusPurpose": "revocation",
            "statusListIndex": str(index),
            "statusListCredential": at.status_list(listed),
        },
    }
    if certificate.expires_at is not None:
        document["validUntil"] = moment(certificate.expires_at)
    return add_proof(document, keys, at.key(keys.name), certificate.issued_at)


def _issuer(at: Addresses, name: str) -> dict[str, Any]:
    return {"id": at.issuer, "type": ["Profile"], "name": name, "url": at.site}


def _identity(email: str) -> dict[str, Any]:
    """The holder's address, hashed: who knows it can tell that it is theirs, and nobody reads it there."""
    salt = secrets.token_hex(16)
    digest = hashlib.sha256(f"{email}{salt}".encode()).hexdigest()
    return {
        "type": "IdentityObject",
        "hashed": True,
        "identityHash": f"sha256${digest}",
        "identityType": "emailAddress",
        "salt": salt,
    }


def _achievement(core: Core, at: Addresses, said: Mapping[str, Any]) -> dict[str, Any]:
    course = said["course"]
    narrative = _("Completed the course ${course}.", mapping={"course": course["title"]})
    return {
        "id": at.course(course["id"]),
        "type": ["Achievement"],
        "achievementType": "Course",
        "name": course["title"],
        "description": course["description"] or course["title"],
        "criteria": {"narrative": core.i18n.say(narrative, said["language"])},
    }


def issuer_document(core: Core, keys: SigningKeys) -> dict[str, Any]:
    """Who issues, and with which keys: a Profile (Open Badges) that is a controlled identifier document (W3C), too."""
    at = Addresses(core.settings)
    methods = [
        {"id": at.key(name), "type": "Multikey", "controller": at.issuer, "publicKeyMultibase": multikey(key)}
        for name, key in keys.public.items()
    ]
    return {
        "@context": [IDENTIFIERS, OPEN_BADGES],
        **_issuer(at, core.settings.text("lms.name")),
        "verificationMethod": methods,
        "assertionMethod": [method["id"] for method in methods],
    }


def status_list(core: Core, keys: SigningKeys, number: int, revoked: Iterable[int]) -> dict[str, Any]:
    """The signed list of which credentials of one :data:`LISTED` are revoked, by their places in it."""
    at, now = Addresses(core.settings), core.clock()
    bits = bytearray(LISTED // 8)
    for index in revoked:
        bits[index // 8] |= 0x80 >> index % 8  # The first bit is the leftmost.
    encoded = base64.urlsafe_b64encode(gzip.compress(bytes(bits), mtime=0)).decode().rstrip("=")
    document = {
        "@context": [CREDENTIALS],
        "id": at.status_list(number),
        "type": ["VerifiableCredential", "BitstringStatusListCredential"],
        "issuer": at.issuer,
        "validFrom": moment(now),
        "validUntil": moment(now + dt.timedelta(days=1)),
        "credentialSubject": {
            "id": f"{at.status_list(number)}#list",
            "type": "BitstringStatusList",
            "statusPurpose": "revocation",
            "encodedList": f"u{encoded}",
        },
    }
    return add_proof(document, keys, at.key(keys.name), now)
