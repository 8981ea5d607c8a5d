"""Proof of a completed course: a PDF and an Open Badge, both signed, and the page where anybody can verify them."""

from typing import TYPE_CHECKING

from lms_core.accounts.resources import MeResource
from lms_core.kernel.traversal import ApiRoot

if TYPE_CHECKING:
    from pyramid.config import Configurator


def includeme(config: "Configurator") -> None:
    from lms_core.certificates import resources, tasks
    from lms_core.certificates.events import CertificateDue
    from lms_core.certificates.keys import SigningKeys
    from lms_core.certificates.printing import Template
    from lms_core.courses.resources import CourseItem
    from lms_core.enrollment.events import CourseCompleted

    settings = config.registry.core.settings
    config.registry.certificate_keys = SigningKeys.from_settings(settings)
    Template.from_settings(settings)  # What is wrong with its setting is said at the start.
    config.add_child(ApiRoot, "certificates", resources.CertificateCollection)
    config.add_item(resources.CertificateCollection, resources.CertificateItem, "number")
    config.add_child(resources.CertificateCollection, "issuer", resources.IssuerResource)
    config.add_child(resources.CertificateCollection, "verify", resources.VerifyResource)
    config.add_child(resources.CertificateCollection, "status", resources.StatusLists)
    config.add_item(resources.StatusLists, resources.StatusListItem, "list")
    config.add_child(MeResource, "certificates", resources.MyCertificates)
    config.add_child(CourseItem, "certificates", resources.CourseCertificates)
    config.add_staff_permission("certificates:read", "co_instructor", "teaching_assistant")
    config.add_staff_permission("certificates:create", "co_instructor")
    config.add_staff_permission("certificates:revoke", "co_instructor")
    config.add_event_subscriber(CourseCompleted, "certificates.issue", tasks.issue_certificate)
    config.add_event_subscriber(CertificateDue, "certificates.make", tasks.make_certificate, queue="long")
    config.add_periodic_task("certificates.forget", tasks.forget, every=3_600)
    config.include("lms_core.certificates.pages")
    config.scan("lms_core.certificates.views")
