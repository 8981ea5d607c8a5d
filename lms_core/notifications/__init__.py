"""Telling people what concerns them, by the channels and at the times they chose."""

from typing import TYPE_CHECKING

from lms_core.accounts.events import UserRegistered
from lms_core.certificates.events import CertificateIssued, CertificateRevoked
from lms_core.courses.announcements.events import AnnouncementMoved, AnnouncementPublished
from lms_core.courses.events import CourseCreated, CoursePublished, StaffAssigned
from lms_core.courses.exchange.events import ExportEnded, ImportEnded
from lms_core.enrollment.events import (
    CourseCompleted,
    EnrollmentDropped,
    EnrollmentExpired,
    EnrollmentResumed,
    EnrollmentSuspended,
)
from lms_core.enrollment.payments.events import PaymentNeedsAttention, PaymentReceived, PaymentRefunded
from lms_core.enrollment.rosters.events import StudentsMessaged
from lms_core.files.events import FileInfected
from lms_core.kernel.traversal import ApiRoot
from lms_core.learning.unlocking.events import ModuleOpened, ModuleUnlocked
from lms_core.notifications import payments, queries, tasks
from lms_core.notifications.events import (
    AnnouncementFollowedInPart,
    AnnouncementToldInPart,
    OpeningToldInPart,
    PublicationToldInPart,
)
from lms_core.notifications.resources import NotificationCollection, NotificationItem

if TYPE_CHECKING:
    from pyramid.config import Configurator


def includeme(config: "Configurator") -> None:
    config.add_profile_column("notification_preferences", queries.preferences())
    config.add_child(ApiRoot, "notifications", NotificationCollection)
    config.add_item(NotificationCollection, NotificationItem, param="notificationId")
    config.add_event_subscriber(UserRegistered, "notifications.welcome", tasks.welcome)
    config.add_event_subscriber(EnrollmentSuspended, "notifications.enrollment_suspended", tasks.tell_suspended)
    config.add_event_subscriber(EnrollmentResumed, "notifications.enrollment_resumed", tasks.tell_resumed)
    config.add_event_subscriber(EnrollmentDropped, "notifications.enrollment_dropped", tasks.tell_dropped)
    config.add_event_subscriber(EnrollmentExpired, "notifications.enrollment_expired", tasks.tell_expired)
    config.add_event_subscriber(StudentsMessaged, "notifications.students_messaged", tasks.tell_message)
    config.add_event_subscriber(PaymentReceived, "notifications.payment_received", payments.tell_paid)
    config.add_event_subscriber(PaymentRefunded, "notifications.payment_refunded", payments.tell_refunded)
    config.add_event_subscriber(PaymentNeedsAttention, "notifications.payment_attention", payments.tell_administrators)
    config.add_event_subscriber(CourseCreated, "notifications.course_created", tasks.tell_created)
    config.add_event_subscriber(CoursePublished, "notifications.course_published", tasks.tell_published)
    config.add_event_subscriber(PublicationToldInPart, "notifications.published_rest", tasks.tell_more_published)
    config.add_event_subscriber(ExportEnded, "notifications.export_ended", tasks.tell_exported)
    config.add_event_subscriber(ImportEnded, "notifications.import_ended", tasks.tell_imported)
    config.add_event_subscriber(StaffAssigned, "notifications.staff_assigned", tasks.tell_assigned)
    config.add_event_subscriber(CourseCompleted, "notifications.course_completed", tasks.tell_completed)
    config.add_event_subscriber(ModuleUnlocked, "notifications.module_unlocked", tasks.tell_unlocked)
    config.add_event_subscriber(ModuleOpened, "notifications.module_opened", tasks.tell_opened)
    config.add_event_subscriber(OpeningToldInPart, "notifications.opening_rest", tasks.tell_more_opened)
    config.add_event_subscriber(CertificateIssued, "notifications.certificate_issued", tasks.tell_certificate_issued)
    config.add_event_subscriber(CertificateRevoked, "notifications.certificate_revoked", tasks.tell_certificate_revoked)
    config.add_event_subscriber(FileInfected, "notifications.file_infected", tasks.tell_infected)
    config.add_event_subscriber(AnnouncementPublished, "notifications.announcement", tasks.tell_announced)
    config.add_event_subscriber(AnnouncementToldInPart, "notifications.announcement_rest", tasks.tell_more_announced)
    config.add_event_subscriber(AnnouncementMoved, "notifications.announcement_moved", tasks.follow_announcement)
    config.add_event_subscriber(
        AnnouncementFollowedInPart, "notifications.announcement_follow_rest", tasks.follow_announcement
    )
    config.include("lms_core.notifications.joining")
    config.scan("lms_core.notifications")
