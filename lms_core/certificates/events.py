"""What happened to certificates, for later domains to follow."""

import uuid
from dataclasses import dataclass
from typing import ClassVar

from lms_core.kernel.events import Event


@dataclass(frozen=True, slots=True)
class CertificateDue(Event):
    """A certificate was earned: its PDF is to be made, and nobody knows of it before."""

    name: ClassVar[str] = "certificates.due"
    certificate_id: uuid.UUID


@dataclass(frozen=True, slots=True)
class CertificateIssued(Event):
    """A certificate is there: anybody may verify it, and its holder may have it. ``again`` where it replaces one."""

    name: ClassVar[str] = "certificates.issued"
    certificate_id: uuid.UUID
    user_id: uuid.UUID
    course_id: uuid.UUID
    number: str
    course_title: str
    again: bool


@dataclass(frozen=True, slots=True)
class CertificateRevoked(Event):
    """A certificate that was issued is not valid any more, and none takes its place."""

    name: ClassVar[str] = "certificates.revoked"
    certificate_id: uuid.UUID
    user_id: uuid.UUID
    course_id: uuid.UUID
    number: str
    course_title: str
    reason: str
