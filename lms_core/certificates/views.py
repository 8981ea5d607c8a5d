"""Certificates over HTTP."""

import hashlib
from typing import Any

import orjson
from pyramid.response import Response
from pyramid.security import NO_PERMISSION_REQUIRED
from pyramid.view import view_config

from lms_core.certificates import queries, schemas, service
from lms_core.certificates.addresses import Addresses
from lms_core.certificates.credentials import LISTED, MEDIA_TYPE, issuer_document, status_list
from lms_core.certificates.resources import (
    CertificateItem,
    CourseCertificates,
    IssuerResource,
    MyCertificates,
    StatusListItem,
    VerifyResource,
    as_file,
    is_verifiable,
    verified,
)
from lms_core.files.content import content_response
from lms_core.kernel.audit import audit
from lms_core.kernel.bodies import stream
from lms_core.kernel.errors import Gone, LengthRequired, NotFound, TooLarge
from lms_core.kernel.i18n import _
from lms_core.kernel.pagination import Page, PageQuery
from lms_core.kernel.request import Request
from lms_core.kernel.views import created

MOST_BYTES = 16 << 20
"""Of a file that is verified: no PDF of ours is larger."""
_SHORTLY = "public, max-age=300"


@view_config(
    context=CertificateItem, request_method="GET", permission="certificates:verify", returns=schemas.CertificateSchema,
    throttle=("certificates",), errors=("429 too_many_requests",),
)  # fmt: skip
def verify_certificate(context: CertificateItem, request: Request) -> Any:
    """Verify a certificate by its number.

    Tells what is printed on it and whether it is valid, expired, revoked or superseded. Small letters, spaces and
    missing dashes do no harm. `/certificates/{number}` below the site's address is the same as a page for people.
    """
    return verified(request, context.row)


@view_config(
    context=VerifyResource, request_method="POST", permission=NO_PERMISSION_REQUIRED, consumes="application/pdf",
    returns=schemas.CertificateFileSchema, throttle=("certificates",), idempotent=False,
    errors=("400 body_incomplete", "408 body_too_slow", "411 length_required", "413 file_too_large",
            "429 too_many_requests"),
)  # fmt: skip
def verify_file(context: VerifyResource, request: Request) -> Any:
    """Verify the PDF of a certificate: whether exactly this file was issued here.

    A file in which a single byte was altered is not genuine. It is read and forgotten.
    """
    checksum = _checksum(request)
    row = queries.certificate_of_file(request.reader, checksum, request.core.clock())
    genuine = row is not None and is_verifiable(request, row)
    return {"genuine": genuine, "certificate": verified(request, row) if genuine else None}


def _checksum(request: Request) -> str:
    """Of the body. Raises 411 ``length_required``, 413 ``file_too_large``."""
    if request.content_length is None:
        raise LengthRequired()
    if request.content_length > MOST_BYTES:
        raise TooLarge("file_too_large", _("The file is larger than ${limit} bytes.", mapping={"limit": MOST_BYTES}))
    digest = hashlib.sha256()
    for piece in stream(request):
        digest.update(piece)
    return digest.hexdigest()


@view_config(
    context=CertificateItem, name="pdf", request_method="GET", permission="certificates:read",
    produces="application/pdf", answers={206: "The range that `Range` asks for."},
    errors=("410 certificate_revoked", "416 range_not_satisfiable", "503 storage_unavailable"),
)  # fmt: skip
def read_pdf(context: CertificateItem, request: Request) -> Response:
    """Download one's certificate, or, on the staff of its course, anybody's; the credential is attached to it."""
    row = context.row
    if row.status in ("revoked", "superseded"):
        raise Gone("certificate_revoked", _("This certificate is not valid any more."))
    if not context.verifiable or row.storage_path is None:
        raise NotFound()
    return content_response(request, as_file(row))


@view_config(
    context=CertificateItem, name="credential", request_method="GET", permission="certificates:verify",
    produces=MEDIA_TYPE, throttle=("certificates",), errors=("429 too_many_requests",),
)  # fmt: skip
def read_credential(context: CertificateItem, request: Request) -> Response:
    """Read a certificate's Open Badges 3.0 credential, with its proof (`eddsa-rdfc-2022`).

    Whether it is revoked, its `credentialStatus` tells. Of a deleted account there is none.
    """
    if context.row.holder_deleted_at is not None:
        raise NotFound()
    return _json_ld(context.row.credential)


@view_config(
    context=IssuerResource, request_method="GET", permission=NO_PERMISSION_REQUIRED, produces="application/ld+json"
)
def read_issuer(context: IssuerResource, request: Request) -> Response:
    """Read who issues credentials here, and the public keys that these are signed with, former ones included."""
    document = issuer_document(request.core, request.registry.certificate_keys)
    return _json_ld(document, "application/ld+json", _SHORTLY)


@view_config(
    context=StatusListItem, request_method="GET", permission=NO_PERMISSION_REQUIRED, produces=MEDIA_TYPE,
    throttle=("certificates",), errors=("429 too_many_requests",),
)  # fmt: skip
def read_status_list(context: StatusListItem, request: Request) -> Response:
    """Read which credentials of a list are revoked (W3C Bitstring Status List)."""
    first = context.place * LISTED
    if first > queries.last_index(request.reader):
        raise NotFound()
    revoked = queries.revoked_between(request.reader, first, first + LISTED)
    return _json_ld(status_list(request.core, request.registry.certificate_keys, context.place, revoked), kept=_SHORTLY)


def _json_ld(document: Any, kind: str = MEDIA_TYPE, kept: str | None = None) -> Response:
    response = Response(body=orjson.dumps(document), content_type=kind, charset=None)
    if kept is not None:
        response.headers["Cache-Control"] = kept
    # Any wallet in any browser may read what anybody may read.
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response


@view_config(
    context=MyCertificates, request_method="GET", permission="certificates:read", query=PageQuery,
    returns=schemas.IssuedCertificateSchema, many="page", tags=("certificates",),
)  # fmt: skip
def my_certificates(context: MyCertificates, request: Request) -> Page:
    """List one's own certificates, the newest first; one that is being made is pending."""
    at = Addresses(request.core.settings)
    return queries.of_person(request.reader, at, request.caller.user_id, request.core.clock(), **request.query)


@view_config(
    context=CourseCertificates, request_method="GET", permission="certificates:read",
    query=schemas.CourseCertificatesQuery, returns=schemas.IssuedCertificateSchema, many="page", tags=("certificates",),
)  # fmt: skip
def course_certificates(context: CourseCertificates, request: Request) -> Page:
    """List the certificates of a course, the newest first."""
    at = Addresses(request.core.settings)
    return queries.of_course(request.reader, at, context.course.id, request.core.clock(), **request.query)


@view_config(
    context=CourseCertificates, request_method="POST", permission="certificates:create",
    body=schemas.IssueCertificateSchema, returns=schemas.IssuedCertificateSchema, status=201, tags=("certificates",),
    errors=("404 enrollment_not_found", "409 course_not_completed", "409 certificate_exists"),
)  # fmt: skip
def issue_certificate(context: CourseCertificates, request: Request) -> Any:
    """Issue a certificate to somebody who has completed the course and has none that is valid."""
    user_id = request.validated["user_id"]
    made = service.issue(request.db, request.core, context.course.id, user_id)
    audit(request.db, request, "certificates.issue", "certificate", made,
          new={"user_id": user_id, "course_id": context.course.id})  # fmt: skip
    return _made(request, made)


@view_config(
    context=CertificateItem, name="revoke", request_method="POST", permission="certificates:revoke",
    body=schemas.RevokeCertificateSchema, returns=schemas.IssuedCertificateSchema, errors=("409 certificate_revoked",),
)  # fmt: skip
def revoke_certificate(context: CertificateItem, request: Request) -> Any:
    """Revoke a certificate, for good. Its holder is told, with the reason."""
    service.revoke(request.db, request.core, context.id, request.validated["reason"])
    audit(request.db, request, "certificates.revoke", "certificate", context.id, new=request.validated)
    return queries.issued(request.db, Addresses(request.core.settings), context.id, request.core.clock())


@view_config(
    context=CertificateItem, name="reissue", request_method="POST", permission="certificates:create",
    body=schemas.ReissueCertificateSchema, returns=schemas.IssuedCertificateSchema, status=201,
    errors=("409 certificate_revoked", "409 certificate_expired"),
)  # fmt: skip
def reissue_certificate(context: CertificateItem, request: Request) -> Any:
    """Issue a certificate anew, with another number and what names and titles are now; the old one is superseded.

    It is valid until the same day: what is to be valid for longer is revoked, and issued for itself.
    """
    reason = request.validated["reason"]
    made = service.reissue(request.db, request.core, context.id, reason)
    audit(request.db, request, "certificates.reissue", "certificate", made,
          old={"certificate": context.id}, new={"reason": reason})  # fmt: skip
    return _made(request, made)


def _made(request: Request, certificate_id: Any) -> Any:
    row: Any = queries.issued(request.db, Addresses(request.core.settings), certificate_id, request.core.clock())
    created(request, "certificates", row.certificate_number)
    return row
