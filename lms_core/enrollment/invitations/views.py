"""Invitations over HTTP."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from pyramid.security import NO_PERMISSION_REQUIRED
from pyramid.view import view_config

from lms_core.enrollment.invitations import queries, schemas, service
from lms_core.enrollment.invitations.resources import (
    CourseInvitations,
    InvitationCollection,
    InvitationItem,
    MyInvitations,
)
from lms_core.enrollment.rosters.lists import read_list
from lms_core.kernel.audit import audit
from lms_core.kernel.pagination import Page, PageQuery
from lms_core.kernel.ratelimit import throttle_account
from lms_core.kernel.request import Request
from lms_core.kernel.tokens import hash_token

TAGS = ("enrollments",)
_INVITING = (
    "409 course_archived", "409 course_not_published", "409 enrollment_method_unavailable", "409 invitations_unused",
    "429 too_many_requests",
)  # fmt: skip
_DECLINING = ("409 invitation_accepted", "409 invitation_revoked")


@view_config(
    context=CourseInvitations, request_method="GET", permission="invitations:read", query=schemas.InvitationsQuery,
    returns=schemas.InvitationSchema, many="page", tags=TAGS,
)  # fmt: skip
def list_invitations(context: CourseInvitations, request: Request) -> Page:
    """List whom a course has invited, the newest first.

    What nobody accepted is forgotten 30 days after its end.
    """
    return queries.of_course(request.reader, context.course.id, **request.query)


@view_config(
    context=CourseInvitations, request_method="POST", permission="invitations:create", body=schemas.InviteSchema,
    returns=schemas.InvitedSchema, many="list", errors=_INVITING, tags=TAGS,
)  # fmt: skip
def invite(context: CourseInvitations, request: Request) -> Any:
    """Invite addresses to a course whose `enrollmentType` is `invite`, and say of each what became of it.

    Each gets a mail with a link. Who has an account with that address, verified, joins by `POST /enrollments`, whatever
    the course costs; who has none registers first. A list can be sent again: who was invited, has declined or is in the
    course gets no second mail.
    """
    sent = request.validated
    return _invite(context, request, sent["emails"], sent)


@view_config(
    context=CourseInvitations, name="import", request_method="POST", permission="invitations:create",
    query=schemas.InviteOptions, consumes="text/csv", returns=schemas.InvitedSchema, many="list",
    errors=(*_INVITING, "413 too_large", "422 csv_invalid"), tags=TAGS,
)  # fmt: skip
def invite_by_csv(context: CourseInvitations, request: Request) -> Any:
    """Invite the addresses of a CSV to a course, and say of each what became of it.

    In UTF-8, with commas, semicolons or tabs. The first line names the columns; the one called `email` counts, and
    without it the answer is 422 `csv_invalid`: nobody is invited by `userId`.
    """
    wishes = read_list(request.small_body(), most=queries.MOST, by_id=False)
    return _invite(context, request, [wish.email or wish.named for wish in wishes], request.query)


def _invite(
    context: CourseInvitations, request: Request, addresses: Sequence[str], options: Mapping[str, Any]
) -> list[Any]:
    throttle_account(request, "inviting", str(request.caller.user_id))
    letter = service.Letter(options["expires_at"] or service.ending(request.core), options["message"] or None)
    invited = service.invite(request.db, request, context.course.id, addresses, letter)
    audit(request.db, request, "invitations.create", "course", context.course.id,
          new={"invitations": [str(each.id) for each in invited if each.outcome == "invited"]})  # fmt: skip
    return [asdict(each) for each in invited]


@view_config(
    context=InvitationItem, request_method="GET", permission="invitations:read", returns=schemas.InvitationSchema,
    tags=TAGS,
)  # fmt: skip
def read_invitation(context: InvitationItem, request: Request) -> Any:
    """Read an invitation."""
    return context.row


@view_config(
    context=InvitationItem, name="send", request_method="POST", permission="invitations:update",
    returns=schemas.InvitationSchema, tags=TAGS,
    errors=(*_INVITING, "409 invitation_accepted", "409 invitation_declined", "409 invitation_revoked"),
)  # fmt: skip
def send_invitation(context: InvitationItem, request: Request) -> Any:
    """Mail an invitation again, once an hour at most: with a new link, and with all its time before it."""
    service.send_again(request.db, request, context.row.course_id, context.id)
    audit(request.db, request, "invitations.send", "invitation", context.id)
    return queries.invitation(request.db, context.id)


@view_config(context=InvitationItem, request_method="DELETE", permission="invitations:update", tags=TAGS)
def revoke_invitation(context: InvitationItem, request: Request) -> None:
    """Revoke an invitation: it lets nobody in any more. Who came by it stays, and it stays listed."""
    service.revoke(request.db, request.core, context.row.course_id, context.id)
    audit(request.db, request, "invitations.revoke", "invitation", context.id)


@view_config(
    context=MyInvitations, request_method="GET", permission="enrollments:read", query=PageQuery,
    returns=schemas.ReceivedInvitationSchema, many="page", tags=TAGS,
)  # fmt: skip
def list_my_invitations(context: MyInvitations, request: Request) -> Page:
    """List the courses that one's verified address is invited to. One accepts by `POST /enrollments`."""
    return queries.of_person(request.reader, request.core, request.caller.user_id, **request.query)


@view_config(
    context=InvitationItem, name="decline", request_method="POST", permission="invitations:decline",
    returns=schemas.ReceivedInvitationSchema, errors=_DECLINING, tags=TAGS,
)  # fmt: skip
def decline_invitation(context: InvitationItem, request: Request) -> Any:
    """Decline an invitation. Until it ends, one may still accept it."""
    service.decline(request.db, request.core, context.row.course_id, context.id)
    audit(request.db, request, "invitations.decline", "invitation", context.id)
    return queries.invitation(request.db, context.id)


@view_config(
    context=InvitationCollection, name="open", request_method="POST", permission=NO_PERMISSION_REQUIRED,
    body=schemas.InvitationLinkSchema, returns=schemas.ReceivedInvitationSchema, throttle=("invitation",),
    idempotent=False, errors=("422 invitation_unknown", "429 too_many_requests"), tags=TAGS,
)  # fmt: skip
def open_invitation(context: InvitationCollection, request: Request) -> Any:
    """Read the invitation that a link belongs to: what a page shows whoever follows it, signed in or not."""
    return _of_link(request)


@view_config(
    context=InvitationCollection, name="decline", request_method="POST", permission=NO_PERMISSION_REQUIRED,
    body=schemas.InvitationLinkSchema, returns=schemas.ReceivedInvitationSchema, throttle=("invitation",),
    idempotent=False, errors=("422 invitation_unknown", "429 too_many_requests", *_DECLINING), tags=TAGS,
)  # fmt: skip
def decline_by_link(context: InvitationCollection, request: Request) -> Any:
    """Decline an invitation by its link, without an account."""
    row = _of_link(request)
    service.decline(request.db, request.core, row.course_id, row.id)
    audit(request.db, request, "invitations.decline", "invitation", row.id)
    return queries.invitation(request.db, row.id)


def _of_link(request: Request) -> Any:
    row = queries.of_link(request.db, request.core, hash_token(request.validated["token"]))
    if row is None:
        raise service.unknown_link()
    return row
