"""Commands on certificates. Each runs in the caller's transaction; raising rolls it back.

A certificate is written down when it is earned, with all that it says, and made when a worker has the time: printed,
stored and signed. Until then it is pending. Of two that would issue one at once, the index of the current ones lets
one through.
"""

import datetime as dt
import io
import uuid
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from lms_core.certificates import queries
from lms_core.certificates.addresses import Addresses
from lms_core.certificates.credentials import badge
from lms_core.certificates.events import CertificateDue, CertificateIssued, CertificateRevoked
from lms_core.certificates.keys import SigningKeys
from lms_core.certificates.models import Certificate
from lms_core.certificates.numbering import new_number
from lms_core.certificates.printing import Printed, Template, language_of, printed
from lms_core.certificates.statements import days, is_signed, signature_of, statement
from lms_core.enrollment.models import Enrollment
from lms_core.files.service import drop_objects, store_object
from lms_core.kernel.core import Core
from lms_core.kernel.errors import Conflict, NotFound
from lms_core.kernel.events import publish
from lms_core.kernel.i18n import _


def issue_on_completion(db: Session, core: Core, enrollment_id: uuid.UUID) -> uuid.UUID | None:
    """Issue what a completed course earns, where it earns one and none was issued before, revoked or not."""
    facts = queries.facts(db, enrollment_id, core.clock())
    if facts is None or not facts.completion_certificate or queries.has_any(db, enrollment_id):
        return None
    return _issue(db, core, facts, facts.expires_at)


def issue(db: Session, core: Core, course_id: uuid.UUID, user_id: uuid.UUID) -> uuid.UUID:
    """Issue one to somebody who has completed a course and has none that is valid.

    Raises 404 ``enrollment_not_found``, 409 ``course_not_completed``, ``certificate_exists``.
    """
    enrollment_id = queries.enrollment_of(db, course_id, user_id)
    facts = queries.facts(db, enrollment_id, core.clock()) if enrollment_id is not None else None
    if facts is None:
        raise NotFound("enrollment_not_found", _("This person does not take the course."))
    if facts.completed_at is None:
        raise Conflict("course_not_completed", _("This person has not completed the course."))
    certificate_id = _issue(db, core, facts, facts.expires_at)
    if certificate_id is None:
        raise Conflict("certificate_exists", _("There is a certificate already; issue that one anew."))
    return certificate_id


def _issue(db: Session, core: Core, facts: Any, expires_at: dt.datetime | None) -> uuid.UUID | None:
    """Write a certificate down; None where there is one already."""
    issuer = {"name": core.settings.text("lms.name"), "url": Addresses(core.settings).site}
    language = language_of(core.i18n, core.settings, facts.language, facts.preferred_language)
    issued_at = core.clock()
    values = insert(Certificate).values(
        enrollment_id=facts.enrollment_id,
        user_id=facts.user_id,
        course_id=facts.course_id,
        certificate_number=new_number(),
        issued_at=issued_at,
        expires_at=expires_at,
        extra=statement(facts, issuer, language, issued_at, expires_at),
    )
    current = values.on_conflict_do_nothing(
        index_elements=[Certificate.enrollment_id], index_where=Certificate.revoked_at.is_(None)
    )
    certificate_id: uuid.UUID | None = db.execute(current.returning(Certificate.id)).scalar()
    if certificate_id is not None:
        publish(db, CertificateDue(certificate_id))
    return certificate_id


def make(db: Session, registry: Any, certificate_id: uuid.UUID) -> None:
    """Print, store and sign a pending certificate; a second time, or after it was revoked, does nothing.

    Raises TemplateError where the template cannot be set, and StorageUnavailable.
    """
    core: Core = registry.core
    certificate = _locked(db, certificate_id)
    email = queries.email_of(db, certificate.user_id) if certificate is not None else None
    if certificate is None or email is None or certificate.revoked_at is not None or certificate.checksum is not None:
        return
    keys: SigningKeys = registry.certificate_keys
    template = Template.from_settings(core.settings)
    at, number = Addresses(core.settings), certificate.certificate_number
    certificate.credential = badge(core, keys, certificate, email)
    words = Printed(number, certificate.extra, certificate.issued_at, *days(certificate), at.page(number))
    pdf = printed(core.i18n, template, words, certificate.credential)
    certificate.storage_provider = registry.storage.name
    certificate.storage_path, stored = store_object(db, registry.storage, io.BytesIO(pdf))
    certificate.file_size, certificate.checksum = stored.size, stored.sha256
    certificate.key_name, certificate.signature = keys.name, signature_of(keys, certificate)
    certificate.template_id = template.name
    db.flush()
    _mark(db, certificate, at.page(number))
    publish(db, CertificateIssued(
        certificate.id, certificate.user_id, certificate.course_id, number, certificate.extra["course"]["title"],
        again=db.scalar(select(Certificate.id).where(Certificate.replaced_by == certificate.id).limit(1)) is not None,
    ))  # fmt: skip


def revoke(db: Session, core: Core, certificate_id: uuid.UUID, reason: str) -> None:
    """Take a certificate back, for good. Raises 409 ``certificate_revoked``."""
    certificate = _current(db, certificate_id)
    _take_back(db, core, certificate, reason)
    if certificate.checksum is not None:
        publish(db, CertificateRevoked(
            certificate.id, certificate.user_id, certificate.course_id, certificate.certificate_number,
            certificate.extra["course"]["title"], reason,
        ))  # fmt: skip


def reissue(db: Session, core: Core, certificate_id: uuid.UUID, reason: str | None) -> uuid.UUID:
    """Issue a certificate anew, with a number of its own and what names and titles are now; the old one is superseded.

    It is valid as long as the old one was, and no longer. Raises 404 where the account is gone, 409
    ``certificate_revoked``, ``certificate_expired``.
    """
    certificate = _current(db, certificate_id)
    if certificate.expires_at is not None and certificate.expires_at <= core.clock():
        raise Conflict("certificate_expired", _("This certificate is not valid any more."))
    facts = queries.facts(db, certificate.enrollment_id, core.clock())
    if facts is None or facts.completed_at is None:
        raise NotFound()
    _take_back(db, core, certificate, reason)
    again = _issue(db, core, facts, certificate.expires_at)
    if again is None:  # Nobody else issues one while the old one is locked.
        raise Conflict("certificate_exists", _("There is a certificate already; issue that one anew."))
    certificate.replaced_by = again
    db.flush()
    return again


def forget_gone(db: Session, keys: SigningKeys, *, limit: int) -> int:
    """Take out of certificates whose they were, where the accounts are deleted; answers of how many.

    They were earned and are not revoked: their numbers verify, of nobody named, and so do the PDFs that their holders
    kept, by their checksums. What we held of the PDFs and the credentials goes. Only what we had signed is signed anew.
    """
    certificates = queries.of_gone_accounts(db, limit)
    drop_objects(db, [each for each in certificates if each.storage_path is not None])
    for each in certificates:
        genuine = is_signed(keys, each)
        each.extra = {**each.extra, "holder": {"name": None, "language": None}, "grade": None}
        each.credential = each.storage_provider = each.storage_path = each.revoked_reason = None
        if genuine:
            each.key_name, each.signature = keys.name, signature_of(keys, each)
    db.flush()
    return len(certificates)


def _locked(db: Session, certificate_id: uuid.UUID) -> Certificate | None:
    chosen = select(Certificate).where(Certificate.id == certificate_id).with_for_update()
    return db.scalar(chosen.execution_options(populate_existing=True))


def _current(db: Session, certificate_id: uuid.UUID) -> Certificate:
    certificate = _locked(db, certificate_id)
    if certificate is None:
        raise NotFound()
    if certificate.revoked_at is not None:
        raise Conflict("certificate_revoked", _("This certificate was revoked already."))
    return certificate


def _take_back(db: Session, core: Core, certificate: Certificate, reason: str | None) -> None:
    certificate.revoked_at, certificate.revoked_reason = core.clock(), reason
    db.flush()
    _mark(db, certificate, None)


def _mark(db: Session, certificate: Certificate, url: str | None) -> None:
    """Let the enrollment know of its certificate."""
    issued_at = certificate.issued_at if url is not None else None
    db.execute(
        update(Enrollment)
        .where(Enrollment.id == certificate.enrollment_id)
        .values(certificate_issued_at=issued_at, certificate_url=url)
    )
