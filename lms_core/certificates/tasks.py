"""What becomes of a completed course."""

from lms_core.certificates import service
from lms_core.certificates.events import CertificateDue
from lms_core.enrollment.events import CourseCompleted
from lms_core.kernel.events import Delivery


def issue_certificate(delivery: Delivery, event: CourseCompleted) -> None:
    service.issue_on_completion(delivery.db, delivery.core, event.enrollment_id)


def make_certificate(delivery: Delivery, event: CertificateDue) -> None:
    """What fails is tried again, and ends among the dead letters, with what was wrong with the template."""
    service.make(delivery.db, delivery.registry, event.certificate_id)
