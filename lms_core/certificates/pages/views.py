"""``/certificates`` and ``/certificates/{number}``, below ``lms.url``."""

import datetime as dt
import hashlib
from typing import Any

import orjson
from babel.dates import format_date
from pyramid.httpexceptions import HTTPSeeOther
from pyramid.response import Response
from pyramid.security import NO_PERMISSION_REQUIRED
from pyramid.view import exception_view_config, view_config

from lms_core.certificates import queries
from lms_core.certificates.resources import is_verifiable, read_certificate, verified
from lms_core.certificates.schemas import CertificateSchema
from lms_core.certificates.statements import zone_of
from lms_core.kernel.bodies import whole_body
from lms_core.kernel.errors import LMSError, NotFound, TooLarge, TooMany
from lms_core.kernel.i18n import _
from lms_core.kernel.pages import page
from lms_core.kernel.request import Request
from lms_core.kernel.views import JSON_OPTIONS

START, ONE = "verify_certificate_page", "certificate_page"
_UNKNOWN = _("There is no such certificate. Look for a mistake in the number; if there is none, it is forged.")
_ALTERED = _("This file was not issued here, or was altered afterwards.")
_TOO_LARGE = _("This file is too large to be a certificate.")


@view_config(route_name=ONE, request_method="GET", permission=NO_PERMISSION_REQUIRED, throttle=("certificates",))
def show_certificate(context: Any, request: Request) -> Response:
    """The certificate, as a page, or as the JSON that the API answers for who prefers it."""
    row = read_certificate(request, request.reader, request.matchdict["number"])
    if row is None or not is_verifiable(request, row):
        raise NotFound(detail=_UNKNOWN)
    wanted = request.accept.acceptable_offers(["text/html", "application/json"])
    if wanted and wanted[0][0] == "application/json":
        said = CertificateSchema().dump(verified(request, row))
        return Response(body=orjson.dumps(said, option=JSON_OPTIONS), content_type="application/json", charset=None)
    return _shown(request, row, genuine=False)


@view_config(route_name=START, request_method="GET", permission=NO_PERMISSION_REQUIRED)
def show_forms(context: Any, request: Request) -> Response:
    number = request.GET.get("number", "").strip()
    if number:
        return HTTPSeeOther(location=request.route_path(ONE, number=number[:64]))
    return page(request, "certificates.pages:verify", start=request.route_path(START))


@view_config(
    route_name=START, request_method="POST", permission=NO_PERMISSION_REQUIRED, throttle=("certificates",),
    idempotent=False,
)  # fmt: skip
def verify_file(context: Any, request: Request) -> Response:
    """The PDF in the form, which changes nothing. Raises 413, 404."""
    if whole_body(request) is None:
        raise TooLarge(detail=_TOO_LARGE)
    sent: Any = request.POST.get("file") if request.content_type == "multipart/form-data" else None
    content = sent.file.read() if hasattr(sent, "file") else b""
    checksum = hashlib.sha256(content).hexdigest()
    row = queries.certificate_of_file(request.reader, checksum, request.core.clock())
    if row is None or not is_verifiable(request, row):
        raise NotFound(detail=_ALTERED)
    return _shown(request, row, genuine=True)


def _shown(request: Request, row: Any, *, genuine: bool) -> Response:
    said, locale = verified(request, row), request.localizer.locale_name
    zone = zone_of(row.extra["holder"].get("timezone"))

    def day(when: dt.date | None) -> str | None:
        return None if when is None else format_date(when, "long", locale)

    certificate = {
        "number": row.certificate_number,
        "status": row.status,
        "holder": said["holder_name"],
        "nameless": said["holder_name"] is None,
        "course": said["course_title"],
        "completed": day(dt.date.fromisoformat(said["completed_on"])),
        "grade": said["grade"],
        "issued": day(said["issued_on"]),
        "expires": day(said["expires_on"]),
        "revoked": day(row.revoked_at.astimezone(zone)) if row.revoked_at else None,
        "issuer": said["issuer_name"],
    }
    start = request.route_path(START)
    return page(request, "certificates.pages:certificate", certificate=certificate, genuine=genuine, start=start)


@exception_view_config(LMSError, route_name=START)
@exception_view_config(LMSError, route_name=ONE)
def show_refusal(error: LMSError, request: Request) -> Response:
    """What was wrong, above the forms to try again."""
    said = request.localizer.translate(error.detail or error.title)
    start = request.route_path(START)
    response = page(request, "certificates.pages:verify", status=error.status, errors=[said], start=start)
    if isinstance(error, TooMany) and error.retry_after is not None:
        response.headers["Retry-After"] = str(max(1, int(error.retry_after + 0.999)))
    return response
