"""Announcements over HTTP."""

from typing import Any

from pyramid.view import view_config

from lms_core.courses.announcements import queries, schemas, service
from lms_core.courses.announcements.resources import (
    AnnouncementItem,
    CourseAnnouncements,
    MyAnnouncements,
    read_announcement,
)
from lms_core.kernel.audit import audit
from lms_core.kernel.pagination import CursorPage, CursorQuery, Page
from lms_core.kernel.request import Request
from lms_core.kernel.views import created

SAVING = ("422 html_too_complex", "422 html_too_long", "422 audience_unknown")


@view_config(
    context=CourseAnnouncements, request_method="GET", permission="announcements:read",
    query=schemas.AnnouncementsQuery, returns=schemas.AnnouncementSchema, many="page", tags=("announcements",),
)  # fmt: skip
def list_announcements(context: CourseAnnouncements, request: Request) -> Page:
    """List the announcements of a course.

    The urgent ones first, and the newest of each priority; what has expired stands at the end. Students see what is
    live and addressed to them, staff see every one with its status.
    """
    return queries.of_course(request.reader, context.course.id, context.reader, **request.query)


@view_config(
    context=CourseAnnouncements, request_method="POST", permission="announcements:create",
    body=schemas.AnnouncementCreateSchema, returns=schemas.AnnouncementSavedSchema, status=201,
    errors=("409 course_archived", *SAVING), tags=("announcements",),
)  # fmt: skip
def create_announcement(context: CourseAnnouncements, request: Request) -> Any:
    """Announce something in a course, at once or at a time to come.

    HTML is sanitized; `removed` names the elements that were taken out. Who is addressed gets a notification, and an
    e-mail too where the priority is high or urgent.
    """
    course_id, author_id = context.course.id, request.caller.user_id
    announcement_id, removed = service.create_announcement(
        request.db, request.registry, course_id, author_id, request.validated
    )
    audit(request.db, request, "announcements.create", "announcement", announcement_id,
          new={"title": request.validated["title"], "course_id": course_id})  # fmt: skip
    created(request, "announcements", announcement_id)
    return {**read_announcement(request, request.db, announcement_id)._mapping, "removed": removed}


@view_config(
    context=CourseAnnouncements, name="unread", request_method="GET", permission="announcements:read",
    returns=schemas.UnreadSchema, tags=("announcements",),
)  # fmt: skip
def count_unread(context: CourseAnnouncements, request: Request) -> Any:
    """Count what the caller has not read of a course's announcements."""
    return queries.unread_in_course(request.reader, context.course.id, context.reader)


@view_config(
    context=AnnouncementItem, request_method="GET", permission="announcements:read",
    returns=schemas.AnnouncementSchema,
)  # fmt: skip
def read_one_announcement(context: AnnouncementItem, request: Request) -> Any:
    """Read an announcement; reading it here does not mark it."""
    return context.shown


@view_config(
    context=AnnouncementItem, request_method="PUT", permission="announcements:update",
    body=schemas.AnnouncementChangeSchema, returns=schemas.AnnouncementSavedSchema,
    errors=("409 already_announced", *SAVING),
)  # fmt: skip
def update_announcement(context: AnnouncementItem, request: Request) -> Any:
    """Change an announcement, publish a draft, or take back what was published.

    People are told once: of what they were told, the time of publication cannot change any more. While it is taken
    back, and once it has expired, notifications of it that were not read are hidden.
    """
    removed = service.update_announcement(request.db, request.registry, context.id, request.validated)
    audit(request.db, request, "announcements.update", "announcement", context.id,
          new={"fields": sorted(request.validated)})  # fmt: skip
    return {**read_announcement(request, request.db, context.id)._mapping, "removed": removed}


@view_config(
    context=AnnouncementItem, request_method="DELETE", permission="announcements:delete",
)  # fmt: skip
def delete_announcement(context: AnnouncementItem, request: Request) -> None:
    """Delete an announcement, with the list of who has read it.

    Notifications of it that nobody has read go too.
    """
    service.delete_announcement(request.db, context.id)
    audit(request.db, request, "announcements.delete", "announcement", context.id, old={"title": context.row.title})


@view_config(
    context=AnnouncementItem, name="read", request_method="POST", permission="announcements:read",
    returns=schemas.ReadSchema, errors=("409 announcement_not_live",),
)  # fmt: skip
def mark_announcement_read(context: AnnouncementItem, request: Request) -> Any:
    """Mark an announcement as read; the first time counts, and doing it again changes nothing."""
    read_at = service.mark_read(request.db, context.id, request.caller.user_id)
    return {"announcement_id": context.id, "read_at": read_at}


@view_config(
    context=AnnouncementItem, name="readers", request_method="GET", permission="rosters:read",
    query=CursorQuery, returns=schemas.ReaderSchema, many="cursor",
)  # fmt: skip
def list_readers(context: AnnouncementItem, request: Request) -> CursorPage:
    """List who has read an announcement, the latest first."""
    return queries.readers(request.reader, context.id, **request.query)


@view_config(
    context=MyAnnouncements, request_method="GET", permission="announcements:read",
    query=schemas.MyAnnouncementsQuery, returns=schemas.MyAnnouncementSchema, many="cursor",
    tags=("announcements",),
)  # fmt: skip
def list_my_announcements(context: MyAnnouncements, request: Request) -> CursorPage:
    """List what is announced to the caller in all their courses, newest first."""
    user_id = request.caller.user_id
    return queries.mine(request.reader, request.registry, user_id, context.scopes, **request.query)


@view_config(
    context=MyAnnouncements, name="unread", request_method="GET", permission="announcements:read",
    returns=schemas.UnreadSchema, tags=("announcements",),
)  # fmt: skip
def count_my_unread(context: MyAnnouncements, request: Request) -> Any:
    """Count what the caller has not read in all their courses."""
    return queries.unread_of_mine(request.reader, request.registry, request.caller.user_id, context.scopes)
