"""Invitations by e-mail: whom the staff write to, and the address that it was is let in.

The mail has a link. Whoever opens it reads what they are invited to and can decline; the place is only for an account
whose verified address is the invited one. So a link that is forwarded, or read by a program that looks through mail,
lets nobody in, and who registers with the address finds the invitation waiting. Who would come by another address asks
the staff to invite that one: letting in whoever holds the link would make of each mail an access code that nobody
counts.
"""

from typing import TYPE_CHECKING

from lms_core.accounts.resources import MeResource
from lms_core.courses.resources import CourseItem
from lms_core.kernel.traversal import ApiRoot

if TYPE_CHECKING:
    from pyramid.config import Configurator


def includeme(config: "Configurator") -> None:
    from lms_core.enrollment.invitations import pages, resources, tasks

    config.add_child(CourseItem, "invitations", resources.CourseInvitations)
    config.add_child(MeResource, "invitations", resources.MyInvitations)
    config.add_child(ApiRoot, "invitations", resources.InvitationCollection)
    config.add_item(resources.InvitationCollection, resources.InvitationItem, "invitationId")
    for permission in resources.INVITATIONS:
        # By address, and told who of those is in the course.
        config.add_staff_permission(permission, "co_instructor", shows=["rosters:contact"])
    config.add_route(pages.PAGE, "/invitation")
    config.add_periodic_task("enrollment.purge_invitations", tasks.purge, every=86_400)
    config.scan("lms_core.enrollment.invitations.views")
    config.scan("lms_core.enrollment.invitations.pages")
