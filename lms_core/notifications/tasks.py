"""What becomes of other domains' events: a notification, and a mail where it is worth one."""

from lms_core.accounts.events import UserRegistered
from lms_core.courses.events import CourseCreated, StaffAssigned
from lms_core.enrollment.events import UserEnrolled
from lms_core.kernel.events import Delivery
from lms_core.kernel.i18n import _
from lms_core.learning.events import CourseCompleted
from lms_core.notifications.service import Notice, tell


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


def tell_enrolled(delivery: Delivery, event: UserEnrolled) -> None:
    course = {"course": event.course_title}
    notice = Notice(
        type="enrollment_accepted",
        title=_("You are enrolled in ${course}", mapping=course),
        message=_("You can start with the first lesson whenever you like."),
        data=_course_data(event),
        action_url=f"/courses/{event.course_id}",
        mail="user_enrolled",
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


def _course_data(event: UserEnrolled | CourseCompleted) -> dict[str, str]:
    return {
        "courseId": str(event.course_id),
        "enrollmentId": str(event.enrollment_id),
        "courseTitle": event.course_title,
    }
