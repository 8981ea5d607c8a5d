"""Certificates in the resource tree: by their numbers, a person's own, and those of a course."""

from types import SimpleNamespace
from typing import Any, ClassVar

import structlog

from lms_core.certificates import queries
from lms_core.certificates.addresses import Addresses
from lms_core.certificates.numbering import LONGEST, number_meant
from lms_core.certificates.statements import days, is_signed
from lms_core.courses.access import course_acl
from lms_core.courses.queries import fetch
from lms_core.courses.resources import OfCourse
from lms_core.kernel.request import Request
from lms_core.kernel.security import ACE, caller_id, scoped_acl
from lms_core.kernel.traversal import Allow, Collection, Everyone, Item, Resource

STAFF = ("certificates:read", "certificates:create", "certificates:revoke")
_NAMED = ("valid", "expired")
"""In these states a certificate tells whose it is."""


class CertificateCollection(Collection):
    """``/certificates``: reached by number only."""


class CertificateItem(Item):
    """``/certificates/{number}``: everybody may verify one that was issued, however they write its number."""

    @classmethod
    def well_formed(cls, name: str) -> bool:
        return 0 < len(name) <= LONGEST

    @property
    def id(self) -> Any:
        return self.row.id

    def load(self) -> Any:
        return read_certificate(self.request, self.request.reader, self.__name__)

    @property
    def version(self) -> str | None:
        """Certificates carry no time of change."""
        return None

    @property
    def concealed(self) -> bool:
        return not self.verifiable

    @property
    def verifiable(self) -> bool:
        return is_verifiable(self.request, self.row)

    @property
    def __acl__(self) -> list[ACE]:
        acl = course_acl(self.request, self.row, STAFF)
        if self.row.user_id == caller_id(self.request):
            acl += scoped_acl(["certificates:read"], ["own"])
        if self.verifiable:
            acl.append((Allow, Everyone, "certificates:verify"))
        return acl


def read_certificate(request: Request, connection: Any, text: str) -> Any:
    """The certificate whose number somebody wrote, or None; what cannot be a number is not looked for."""
    number = number_meant(text)
    if number is None:
        return None
    statement = queries.certificate_by(request.registry, number, request.core.clock())
    return fetch(connection, statement, caller_id(request))


def is_verifiable(request: Request, row: Any) -> bool:
    """Whether a certificate was issued, and says what we have signed: who writes into the table has not the key."""
    if row.status == "pending" or row.checksum is None:
        return False
    if is_signed(request.registry.certificate_keys, row):
        return True
    structlog.get_logger("lms.certificates").error("certificate_not_signed", number=row.certificate_number)
    return False


def verified(request: Request, row: Any) -> dict[str, Any]:
    """What anybody may know of a certificate."""
    said = row.extra
    named = row.status in _NAMED and row.holder_deleted_at is None
    issued_on, expires_on = days(row)
    return {
        "certificate_number": row.certificate_number,
        "status": row.status,
        "holder_name": said["holder"]["name"] if named else None,
        "course_title": said["course"]["title"],
        "completed_on": said["completedOn"],
        "grade": said["grade"] if named else None,
        "issued_on": issued_on,
        "expires_on": expires_on,
        "issued_at": row.issued_at,
        "expires_at": row.expires_at,
        "revoked_at": row.revoked_at,
        "issuer_name": said["issuer"]["name"],
        "issuer_url": said["issuer"]["url"],
        "verification_url": Addresses(request.core.settings).page(row.certificate_number),
    }


def as_file(row: Any) -> Any:
    """The PDF of a certificate as files are handed out."""
    return SimpleNamespace(
        **{name: getattr(row, name) for name in ("id", "storage_provider", "storage_path", "file_size", "checksum")},
        mime_type="application/pdf",
        file_name=f"{row.certificate_number}.pdf",
        uploaded_at=row.issued_at,
    )


class IssuerResource(Resource):
    """``/certificates/issuer``."""


class VerifyResource(Resource):
    """``/certificates/verify``."""


class StatusLists(Collection):
    """``/certificates/status``."""


class StatusListItem(Item):
    """``/certificates/status/{list}``: which of the credentials of one list are revoked."""

    @classmethod
    def well_formed(cls, name: str) -> bool:
        return name.isascii() and name.isdecimal() and len(name) <= 12 and str(int(name)) == name

    @property
    def place(self) -> int:
        return int(self.__name__)

    @property
    def version(self) -> str | None:
        return None


class MyCertificates(Resource):
    """``/users/me/certificates``."""

    __acl__: ClassVar[list[ACE]] = scoped_acl(["certificates:read"], ["own"])


class CourseCertificates(OfCourse):
    """``/courses/{id}/certificates``: those of everybody, for who runs the course."""

    @property
    def __acl__(self) -> list[ACE]:
        return course_acl(self.request, self.course.row, STAFF)
