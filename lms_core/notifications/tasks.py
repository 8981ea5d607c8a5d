"""What becomes of other domains' events: a notification, and a mail where it is worth one."""

import datetime as dt
import uuid
from collections.abc import Mapping
from typing import Any

from lms_core.accounts.events import UserRegistered
from lms_core.certificates.events import CertificateIssued, CertificateRevoked
from lms_core.courses.announcements import queries as announcements
from lms_core.courses.announcements.events import AnnouncementMoved, AnnouncementPublished
from lms_core.courses.events import CourseCreated, CoursePublished, StaffAssigned
from lms_core.courses.exchange import queries as exchange
from lms_core.courses.exchange.events import ExportEnded, ImportEnded
from lms_core.courses.exchange.models import DONE
from lms_core.enrollment.events import (
    CourseCompleted,
    EnrollmentDropped,
    EnrollmentExpired,
    EnrollmentResumed,
    EnrollmentSuspended,
)
from lms_core.enrollment.rosters.events import StudentsMessaged
from lms_core.files.events import FileInfected
from lms_core.kernel.events import Delivery, publish
from lms_core.kernel.i18n import _
from lms_core.learning.unlocking.events import ModuleOpened, ModuleUnlocked
from lms_core.notifications import queries
from lms_core.notifications.events import (
    AnnouncementFollowedInPart,
    AnnouncementToldInPart,
    OpeningToldInPart,
    PublicationToldInPart,
)
from lms_core.notifications.service import Notice, forget_unread, limit_unread, tell, tell_many

TOLD_AT_ONCE = 1_000
"""People that one delivery tells of something."""
_NO_REASON = _("Something went wrong on our side. Try again, or ask who runs this site.")
MAILED = ("high", "urgent")
"""Priorities of an announcement that are worth a mail."""


def welcome(delivery: Delivery, event: UserRegistered) -> None:
    site = {"site": delivery.core.settings.text("lms.name")}
    notice = Notice(
        type="welcome",
        title=_("Welcome to ${site}", mapping=site),
        message=_("Your account is ready. Look through the catalog and choose your first course."),
        data={},
        action_url="/courses",
    )
    tell(delivery.db, delivery.core, event.user_id, notice)


def tell_infected(delivery: Delivery, event: FileInfected) -> None:
    named = {"name": event.file_name, "found": event.found}
    notice = Notice(
        type="file_infected",
        title=_("Malware was found in your file ${name}", mapping=named),
        message=_("It is locked away, and nobody can download it. The scanner calls it ${found}.", mapping=named),
        data={"fileId": str(event.file_id), "fileName": event.file_name, "found": event.found},
    )
    tell(delivery.db, delivery.core, event.user_id, notice)


def tell_completed(delivery: Delivery, event: CourseCompleted) -> None:
    course = {"course": event.course_title}
    notice = Notice(
        type="course_completed",
        title=_("You have completed ${course}", mapping=course),
        message=_("Congratulations! You have finished every lesson of this course."),
        data=_course_data(event),
        action_url=f"/courses/{event.course_id}",
        mail="course_completed",
    )
    tell(delivery.db, delivery.core, event.user_id, notice)


def tell_suspended(delivery: Delivery, event: EnrollmentSuspended) -> None:
    course = {"course": event.course_title}
    notice = Notice(
        type="enrollment_suspended",
        title=_("You are suspended from ${course}", mapping=course),
        message=event.reason or _("Its teachers will let you in again, or say what to do."),
        data=_course_data(event),
        mail="enrollment_suspended",
        mail_data={"reason": event.reason},
    )
    tell(delivery.db, delivery.core, event.user_id, notice)


def tell_resumed(delivery: Delivery, event: EnrollmentResumed) -> None:
    course = {"course": event.course_title}
    notice = Notice(
        type="enrollment_resumed",
        title=_("You can go on with ${course}", mapping=course),
        message=_("The course is open for you again, with all that you have done in it."),
        data=_course_data(event),
        action_url=f"/courses/{event.course_id}",
    )
    tell(delivery.db, delivery.core, event.user_id, notice)


def tell_unlocked(delivery: Delivery, event: ModuleUnlocked) -> None:
    """Once for a module, whether what the student did opened it or its date."""
    if queries.knows_of_module(delivery.db, event.user_id, event.module_id):
        return
    named = {"module": event.module_title, "course": event.course_title}
    notice = Notice(
        type="module_unlocked",
        title=_("“${module}” is open to you", mapping=named),
        message=_("Its day has come: you can go on with this module of ${course}.", mapping=named)
        if event.by_date
        else _("You have come so far in ${course} that you can go on with this module.", mapping=named),
        data={**_course_data(event), "moduleId": str(event.module_id), "moduleTitle": event.module_title},
        action_url=f"/courses/{event.course_id}",
    )
    tell(delivery.db, delivery.core, event.user_id, notice)


def tell_opened(delivery: Delivery, event: ModuleOpened) -> None:
    _tell_of_opening(delivery, event, after=None)


def tell_more_opened(delivery: Delivery, event: OpeningToldInPart) -> None:
    _tell_of_opening(delivery, event, after=event.last)


def _tell_of_opening(delivery: Delivery, event: ModuleOpened | OpeningToldInPart, *, after: uuid.UUID | None) -> None:
    """Tell the next :data:`TOLD_AT_ONCE` students, as :func:`_tell_next` does."""
    named = {"module": event.module_title, "course": event.course_title}
    about = (event.course_id, event.module_id)
    notice = Notice(
        type="module_unlocked",
        title=_("“${module}” is open to you", mapping=named),
        message=_("Its day has come: you can go on with this module of ${course}.", mapping=named),
        data={
            "courseId": str(event.course_id), "courseTitle": event.course_title, "moduleId": str(event.module_id),
            "moduleTitle": event.module_title,
        },
        action_url=f"/courses/{event.course_id}",
    )  # fmt: skip
    people, last = queries.students_of_opened(delivery.db, *about, after=after, limit=TOLD_AT_ONCE)
    tell_many(delivery.db, delivery.core, people, notice)
    if last is not None:
        publish(delivery.db, OpeningToldInPart(*about, event.course_title, event.module_title, last))


def tell_dropped(delivery: Delivery, event: EnrollmentDropped) -> None:
    """To who left by themselves, it is no news."""
    if not event.by_staff:
        return
    course = {"course": event.course_title}
    notice = Notice(
        type="enrollment_dropped",
        title=_("You no longer take ${course}", mapping=course),
        message=event.reason or _("You have been taken off the list of its students."),
        data=_course_data(event),
    )
    tell(delivery.db, delivery.core, event.user_id, notice)


def tell_expired(delivery: Delivery, event: EnrollmentExpired) -> None:
    course = {"course": event.course_title}
    notice = Notice(
        type="enrollment_expired",
        title=_("Your time in ${course} is over", mapping=course),
        message=_("What you have done is kept, should you come back."),
        data=_course_data(event),
    )
    tell(delivery.db, delivery.core, event.user_id, notice)


def tell_message(delivery: Delivery, event: StudentsMessaged) -> None:
    """What the staff of a course write: in full in the inbox, and by mail."""
    told = {"courseId": str(event.course_id), "courseTitle": event.course_title, "senderName": event.sender_name}
    notice = Notice(
        type="course_message",
        title=event.subject,
        message=event.body,
        data=told,
        action_url=f"/courses/{event.course_id}",
        mail="course_message",
        mail_data={"subject": event.subject, "text": event.body},
    )
    tell_many(delivery.db, delivery.core, event.people, notice)


def tell_certificate_issued(delivery: Delivery, event: CertificateIssued) -> None:
    notice = Notice(
        type="certificate_issued",
        title=_("Your certificate for ${course}", mapping={"course": event.course_title}),
        message=_("It is ready. Everybody to whom you give its number can verify it."),
        data=_certificate_data(event),
        action_url=f"/certificates/{event.number}",
        mail="certificate_issued",
        mail_data={"again": event.again},
    )
    tell(delivery.db, delivery.core, event.user_id, notice)


def tell_certificate_revoked(delivery: Delivery, event: CertificateRevoked) -> None:
    notice = Notice(
        type="certificate_revoked",
        title=_("Your certificate for ${course} was revoked", mapping={"course": event.course_title}),
        message=_("It is not valid any more. The reason given: ${reason}", mapping={"reason": event.reason}),
        data=_certificate_data(event),
        action_url=f"/certificates/{event.number}",
        mail="certificate_revoked",
        mail_data={"reason": event.reason},
        priority="high",
    )
    tell(delivery.db, delivery.core, event.user_id, notice)


def _certificate_data(event: CertificateIssued | CertificateRevoked) -> dict[str, str]:
    return {"courseId": str(event.course_id), "courseTitle": event.course_title, "number": event.number}


def tell_created(delivery: Delivery, event: CourseCreated) -> None:
    course = {"course": event.course_title}
    notice = Notice(
        type="course_created",
        title=_("Your course ${course} has been created", mapping=course),
        message=_("It is a draft: add modules and lessons, then publish it."),
        data={"courseId": str(event.course_id), "courseTitle": event.course_title},
        action_url=f"/courses/{event.course_id}/edit",
    )
    tell(delivery.db, delivery.core, event.instructor_id, notice)


def tell_assigned(delivery: Delivery, event: StaffAssigned) -> None:
    course = {"course": event.course_title}
    notice = Notice(
        type="staff_assigned",
        title=_("You help to run ${course}", mapping=course),
        message=_("You have been added to the staff of this course."),
        data={"courseId": str(event.course_id), "courseTitle": event.course_title, "role": event.role},
        action_url=f"/courses/{event.course_id}",
    )
    tell(delivery.db, delivery.core, event.user_id, notice)


def tell_announced(delivery: Delivery, event: AnnouncementPublished) -> None:
    _tell_next(delivery, event.announcement_id, after=None)


def tell_more_announced(delivery: Delivery, event: AnnouncementToldInPart) -> None:
    _tell_next(delivery, event.announcement_id, after=event.last)


def _tell_next(delivery: Delivery, announcement_id: uuid.UUID, *, after: uuid.UUID | None) -> None:
    """Tell the next :data:`TOLD_AT_ONCE` people; whom of the rest, is another delivery's affair.

    So no transaction grows with the course, and each part is told once whatever fails in between. Who joins
    meanwhile finds it in the course; what is taken back meanwhile, nobody else is told of.
    """
    announcement = announcements.to_tell(delivery.db, announcement_id)
    if announcement is None:
        return
    people = queries.addressees(delivery.db, delivery.registry, announcement, after=after, limit=TOLD_AT_ONCE)
    tell_many(delivery.db, delivery.core, people, _announcement_notice(announcement))
    if len(people) == TOLD_AT_ONCE:
        publish(delivery.db, AnnouncementToldInPart(announcement_id, people[-1]))


def follow_announcement(delivery: Delivery, event: AnnouncementMoved | AnnouncementFollowedInPart) -> None:
    """Have notifications that nobody has read go with their announcement, and be shown for as long as it is.

    However many changes came first, what counts is what has become of it; :data:`TOLD_AT_ONCE` at a time.
    """
    announcement = announcements.shown_until(delivery.db, event.announcement_id)
    about = queries.unread_of_announcement(event.announcement_id)
    if announcement is None:
        followed = forget_unread(delivery.db, about, TOLD_AT_ONCE)
    else:
        followed = limit_unread(delivery.db, about, announcement.until, TOLD_AT_ONCE)
    if followed == TOLD_AT_ONCE:
        publish(delivery.db, AnnouncementFollowedInPart(event.announcement_id))


def _announcement_notice(announcement: Any) -> Notice:
    mailed = announcement.priority in MAILED
    return Notice(
        type="new_announcement",
        title=announcement.title,
        message=_("Announcement in ${course}", mapping={"course": announcement.course_title}),
        data={
            "courseId": str(announcement.course_id),
            "courseTitle": announcement.course_title,
            "announcementId": str(announcement.id),
        },
        action_url=f"/courses/{announcement.course_id}/announcements/{announcement.id}",
        mail="announcement" if mailed else None,
        mail_data={"title": announcement.title, "text": announcements.excerpt(announcement)} if mailed else {},
        priority=announcement.priority,
        expires_at=announcement.expires_at,
    )


def tell_published(delivery: Delivery, event: CoursePublished) -> None:
    _tell_students(delivery, event.course_id, event.course_title, delivery.occurred_at, after=None)


def tell_more_published(delivery: Delivery, event: PublicationToldInPart) -> None:
    _tell_students(delivery, event.course_id, event.course_title, event.published_at, after=event.last)


def _tell_students(
    delivery: Delivery, course_id: uuid.UUID, title: str, published_at: dt.datetime, *, after: uuid.UUID | None
) -> None:
    """Tell the next :data:`TOLD_AT_ONCE` students that there is something new, as :func:`_tell_next` does.

    To who joined after it was published, nothing is.
    """
    notice = Notice(
        type="course_updated",
        title=_("${course} has been updated", mapping={"course": title}),
        message=_("There is something new in a course that you take."),
        data={"courseId": str(course_id), "courseTitle": title},
        action_url=f"/courses/{course_id}",
    )
    people = queries.students_to_tell(
        delivery.db, course_id, notice.type, before=published_at, after=after, limit=TOLD_AT_ONCE
    )
    tell_many(delivery.db, delivery.core, people, notice)
    if len(people) == TOLD_AT_ONCE:
        publish(delivery.db, PublicationToldInPart(course_id, title, published_at, people[-1]))


def tell_exported(delivery: Delivery, event: ExportEnded) -> None:
    """For as long as the job, and its file, are there."""
    job = exchange.ended_export(delivery.db, event.export_id)
    if job is None:
        return
    course, done = {"course": job.course_title}, job.status == DONE
    notice = Notice(
        type="course_exported" if done else "export_failed",
        title=_("Your export of ${course} is ready", mapping=course)
        if done
        else _("Your export of ${course} has failed", mapping=course),
        message=_("You can download the file now.") if done else job.detail or _NO_REASON,
        data={"exportId": str(job.id), "courseId": str(job.course_id), "courseTitle": job.course_title},
        action_url=f"/courses/{job.course_id}/exports/{job.id}",
        expires_at=job.expires_at,
    )
    tell(delivery.db, delivery.core, job.requested_by, notice)


def tell_imported(delivery: Delivery, event: ImportEnded) -> None:
    job = exchange.ended_import(delivery.db, event.import_id)
    if job is None:
        return
    data = {"importId": str(job.id)}
    if job.status == DONE:
        notice = _imported_notice(job, data)
    else:
        notice = Notice(
            type="import_failed",
            title=_("Your import of ${name} has failed", mapping={"name": job.file_name or ""}),
            message=job.detail or _NO_REASON,
            data={**data, "fileName": job.file_name},
            action_url=f"/imports/{job.id}",
            expires_at=job.expires_at,
        )
    tell(delivery.db, delivery.core, job.requested_by, notice)


def _imported_notice(job: Any, data: Mapping[str, Any]) -> Notice:
    left_out = {"count": len(job.skipped)}
    return Notice(
        type="course_imported",
        title=_("${course} has been imported", mapping={"course": job.course_title}),
        message=_("Everything was brought; look through it before you publish it.")
        if not job.skipped
        else _("Not everything could be brought; the report names ${count} points.", mapping=left_out),
        data={**data, "courseId": str(job.course_id), "courseTitle": job.course_title, "skipped": len(job.skipped)},
        action_url=f"/courses/{job.course_id}/edit",
    )


def _course_data(
    event: CourseCompleted
    | EnrollmentSuspended
    | EnrollmentResumed
    | EnrollmentDropped
    | EnrollmentExpired
    | ModuleUnlocked,
) -> dict[str, str]:
    return {
        "courseId": str(event.course_id),
        "enrollmentId": str(event.enrollment_id),
        "courseTitle": event.course_title,
    }
