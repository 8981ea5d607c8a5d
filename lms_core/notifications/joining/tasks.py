"""What becomes of the events on the way into a course."""

import datetime as dt
from collections.abc import Mapping
from types import MappingProxyType

from lms_core.enrollment.events import (
    EnrollmentRejected,
    EnrollmentRequested,
    PlaceOffered,
    UserEnrolled,
    WaitingListJoined,
)
from lms_core.kernel.events import Delivery
from lms_core.kernel.i18n import _
from lms_core.notifications.joining import queries
from lms_core.notifications.service import Notice, tell, tell_many

_BEGIN = _("You can start with the first lesson whenever you like.")
_MESSAGES: Mapping[str, str] = MappingProxyType(
    {
        "request": _("Your request was approved. You can start with the first lesson whenever you like."),
        "waiting_list": _("A place has become free for you. You can start with the first lesson whenever you like."),
    }
)
"""By what came before."""


def tell_enrolled(delivery: Delivery, event: UserEnrolled) -> None:
    message, begins = _MESSAGES.get(event.via, _BEGIN), None
    if event.starts_at is not None and event.starts_at > delivery.occurred_at:
        begins = f"{event.starts_at.astimezone(dt.UTC):%Y-%m-%d %H:%M} UTC"
        message = _("You can start with the first lesson on ${moment}.", mapping={"moment": begins})
    notice = Notice(
        type="enrollment_accepted",
        title=_("You are enrolled in ${course}", mapping={"course": event.course_title}),
        message=event.note or message,
        data={
            "courseId": str(event.course_id),
            "enrollmentId": str(event.enrollment_id),
            "courseTitle": event.course_title,
        },
        action_url=f"/courses/{event.course_id}",
        mail="user_enrolled",
        mail_data={"via": event.via, "note": event.note, "begins": begins},
    )
    tell(delivery.db, delivery.core, event.user_id, notice)


def tell_requested(delivery: Delivery, event: EnrollmentRequested) -> None:
    """One line for all requests that they have not looked at yet: who has 400 of them is not told 400 times."""
    notice = Notice(
        type="enrollment_requested",
        title=_("Somebody asks to join ${course}", mapping={"course": event.course_title}),
        message=_("Requests wait for your decision."),
        data={"courseId": str(event.course_id), "courseTitle": event.course_title},
        action_url=f"/courses/{event.course_id}/enrollment-requests",
    )
    staff = queries.reviewers(delivery.db, delivery.registry, event.course_id, notice.type)
    tell_many(delivery.db, delivery.core, staff, notice)


def tell_rejected(delivery: Delivery, event: EnrollmentRejected) -> None:
    notice = Notice(
        type="enrollment_rejected",
        title=_("You cannot join ${course}", mapping={"course": event.course_title}),
        message=event.note or _("Its teachers have turned down your request. You can ask again."),
        data={
            "courseId": str(event.course_id),
            "courseTitle": event.course_title,
            "requestId": str(event.request_id),
        },
        action_url=f"/courses/{event.course_id}",
        mail="enrollment_rejected",
        mail_data={"note": event.note},
    )
    tell(delivery.db, delivery.core, event.user_id, notice)


def tell_waiting(delivery: Delivery, event: WaitingListJoined) -> None:
    """To who went on the list by themselves, it is no news."""
    if not event.by_staff:
        return
    notice = Notice(
        type="waiting_list_joined",
        title=_("You are on the waiting list of ${course}", mapping={"course": event.course_title}),
        message=event.note or _("Your request was approved, and you are in as soon as a place is free."),
        data={"courseId": str(event.course_id), "courseTitle": event.course_title, "waitId": str(event.wait_id)},
        action_url=f"/courses/{event.course_id}",
    )
    tell(delivery.db, delivery.core, event.user_id, notice)


def tell_offered(delivery: Delivery, event: PlaceOffered) -> None:
    """By mail too: whoever waits for long looks in seldom."""
    hours = round((event.until - delivery.occurred_at).total_seconds() / 3600)
    notice = Notice(
        type="place_offered",
        title=_("A place in ${course} is free for you", mapping={"course": event.course_title}),
        message=_("It is kept for you for a while: enroll and pay before somebody else is asked."),
        data={
            "courseId": str(event.course_id), "courseTitle": event.course_title, "waitId": str(event.wait_id),
            "until": event.until.isoformat(),
        },
        action_url=f"/courses/{event.course_id}",
        expires_at=event.until,
        mail="place_offered",
        mail_data={"hours": hours},
    )  # fmt: skip
    tell(delivery.db, delivery.core, event.user_id, notice)
