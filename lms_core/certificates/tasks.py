"""What becomes of a completed course."""

from lms_core.certificates import service
from lms_core.certificates.events import CertificateDue
from lms_core.enrollment.events import CourseCompleted
from lms_core.kernel.events import Delivery
from lms_core.kernel.tasks import TaskContext

AT_ONCE = 200
"""Certificates that one transaction takes the names out of."""


def issue_certificate(delivery: Delivery, event: CourseCompleted) -> None:
    service.issue_on_completion(delivery.db, delivery.core, event.enrollment_id)


def make_certificate(delivery: Delivery, event: CertificateDue) -> None:
    """What fails is tried again, and ends among the dead letters, with what was wrong with the template."""
    service.make(delivery.db, delivery.registry, event.certificate_id)


def forget(context: TaskContext) -> None:
    """Forget whose certificates were, where the accounts are deleted; in batches, each its own transaction."""
    keys = context.registry.certificate_keys
    context.in_batches(lambda db: service.forget_gone(db, keys, limit=AT_ONCE), AT_ONCE)
