"""A course's staff over HTTP."""

from typing import Any

from pyramid.view import view_config

from lms_core.courses.staff import queries, schemas, service
from lms_core.courses.staff.resources import CourseStaffCollection, StaffItem
from lms_core.kernel.audit import audit
from lms_core.kernel.pagination import Page, PageQuery
from lms_core.kernel.request import Request
from lms_core.kernel.views import created


@view_config(
    context=CourseStaffCollection, request_method="GET", permission="staff:read", query=PageQuery,
    returns=schemas.StaffSchema, many="page",
)  # fmt: skip
def list_staff(context: CourseStaffCollection, request: Request) -> Page:
    """List who helps to run a course."""
    return queries.staff(request.reader, context.course.id, **request.query)


@view_config(
    context=CourseStaffCollection, request_method="POST", permission="staff:update", body=schemas.StaffAssignSchema,
    returns=schemas.StaffMemberSchema, status=201,
    errors=("409 owns_course", "409 already_staff", "422 user_unknown", "422 permission_unknown",
            "403 permission_not_yours"),
)  # fmt: skip
def assign_staff(context: CourseStaffCollection, request: Request) -> Any:
    """Make somebody co-instructor or teaching assistant.

    `permissions` gives (true) or takes (false) single permissions beside those of the role.
    """
    course_id = context.course.id
    user_id = service.assign(request.db, request.registry, course_id, request.validated, context.giver())
    audit(request.db, request, "staff.assign", "course", course_id, new={**request.validated, "user_id": user_id})
    created(request, "courses", course_id, "staff", user_id)
    return context.shown(queries.member(request.db, course_id, user_id))


@view_config(context=StaffItem, request_method="GET", permission="staff:read", returns=schemas.StaffMemberSchema)
def read_staff(context: StaffItem, request: Request) -> Any:
    """Read what a member of the staff may do in the course."""
    return context.staff.shown(context.row)


@view_config(
    context=StaffItem, request_method="PUT", permission="staff:update", body=schemas.StaffChangeSchema,
    returns=schemas.StaffMemberSchema, errors=("422 permission_unknown", "403 permission_not_yours"),
)  # fmt: skip
def change_staff(context: StaffItem, request: Request) -> Any:
    """Give a member of the staff another role or other permissions."""
    course_id, old = context.staff.course.id, {"role": context.row.role, "permissions": context.row.permissions}
    service.change(request.db, request.registry, course_id, context.id, request.validated, context.staff.giver())
    new = {**request.validated, "user_id": context.id}
    audit(request.db, request, "staff.update", "course", course_id, old=old, new=new)
    return context.staff.shown(queries.member(request.db, course_id, context.id))


@view_config(
    context=StaffItem, request_method="DELETE", permission="staff:dismiss", errors=("403 permission_not_yours",),
)  # fmt: skip
def dismiss_staff(context: StaffItem, request: Request) -> None:
    """Take somebody off the staff; everybody may leave by themselves."""
    course_id = context.staff.course.id
    service.dismiss(request.db, request.registry, course_id, context.id, context.staff.giver())
    audit(request.db, request, "staff.dismiss", "course", course_id, old={"user_id": context.id})
