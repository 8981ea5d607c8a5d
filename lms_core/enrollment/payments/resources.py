"""Payments and vouchers in the resource tree."""

import re
from collections.abc import Iterable
from typing import Any, ClassVar

from lms_core.courses.access import course_acl, may_in_course
from lms_core.courses.queries import fetch
from lms_core.courses.resources import OfCourse
from lms_core.enrollment.payments import queries
from lms_core.enrollment.payments.gateways import PaymentGateway
from lms_core.kernel.errors import NotFound
from lms_core.kernel.security import ACE, caller_id, scoped_acl
from lms_core.kernel.traversal import Allow, Authenticated, Collection, Item, Resource

RIGHTS = ("payments:read", "payments:update")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,49}")


class PaymentCollection(Collection):
    """``/payments``: all of them, for who sees to every course."""

    __acl__: ClassVar[list[ACE]] = scoped_acl(["payments:read"], ["all"])


class MyPayments(Resource):
    """``/users/me/payments``."""

    __acl__: ClassVar[list[ACE]] = scoped_acl(["payments:read"], ["own"])


class _MoneyOfCourse(OfCourse):
    """What is paid for a course is the affair of who runs it, and may see that."""

    @property
    def __acl__(self) -> list[ACE]:
        return course_acl(self.request, self.course.row, RIGHTS)


class CoursePayments(_MoneyOfCourse):
    """``/courses/{id}/payments``."""


class PaymentItem(Item):
    """``/payments/{id}``: its payer's, and whose who may see the payments of its course."""

    def load(self) -> Any:
        return fetch(self.request.reader, queries.payment_by(self.request.registry, self.id), caller_id(self.request))

    @property
    def own(self) -> bool:
        """Whether the caller is to pay it, or has."""
        return self.row.user_id is not None and self.row.user_id == caller_id(self.request)

    @property
    def staff(self) -> bool:
        return self._may("payments:read")

    @property
    def manages(self) -> bool:
        return self._may("payments:update")

    def _may(self, permission: str) -> bool:
        """Money outlives its course: who sees to all payments sees to those of one that is deleted, too."""
        identity = self.request.identity
        everywhere = identity is not None and identity.may(permission)
        return everywhere or may_in_course(self.request, self.row, permission)

    @property
    def __acl__(self) -> list[ACE]:
        acl: list[ACE] = []
        if self.own:
            acl += scoped_acl(["payments:read", "payments:create"], ["own"])
            acl.append((Allow, "payments:create:own", "payments:cancel"))
        if self.staff:
            acl.append((Allow, Authenticated, "payments:read"))
        if self.manages:
            acl += [(Allow, Authenticated, "payments:update"), (Allow, Authenticated, "payments:cancel")]
        return acl

    @property
    def concealed(self) -> bool:
        return not self.own and not self.staff and not self.manages

    @property
    def shown(self) -> Any:
        """The row, without what only staff learn where the caller is its payer."""
        if self.staff:
            return self.row
        return {**self.row._mapping, **dict.fromkeys(column.key for column in queries.FOR_STAFF)}


class Webhooks(Collection):
    """``/payments/webhooks``."""

    @property
    def concealed(self) -> bool:
        return True


class GatewayWebhook(Item):
    """``/payments/webhooks/{gateway}``: anybody may call, and the gateway's signature decides."""

    @classmethod
    def well_formed(cls, name: str) -> bool:
        return _NAME.fullmatch(name) is not None

    @property
    def version(self) -> str | None:
        return None

    @property
    def gateway(self) -> PaymentGateway:
        """Raises 404 where there is none of this name that tells anything."""
        found: PaymentGateway | None = self.request.registry.payment_gateways.get(self.__name__)
        if found is None or found.by_hand:
            raise NotFound()
        return found


class VoucherCollection(Collection):
    """``/vouchers``: those of every course."""

    __acl__: ClassVar[list[ACE]] = scoped_acl(RIGHTS, ["all"])


class CourseVouchers(_MoneyOfCourse):
    """``/courses/{id}/vouchers``."""


class VoucherItem(Item):
    """``/vouchers/{id}``: whose who may change the payments of its course, or of all."""

    def load(self) -> Any:
        return fetch(self.request.reader, queries.voucher_by(self.request.registry, self.id), caller_id(self.request))

    @property
    def version(self) -> str | None:
        return None

    def _may(self, permission: str) -> bool:
        identity = self.request.identity
        if self.row.course_id is None:
            return identity is not None and identity.may(permission)
        return may_in_course(self.request, self.row, permission)

    @property
    def __acl__(self) -> list[ACE]:
        held: Iterable[str] = filter(self._may, RIGHTS)
        return [(Allow, Authenticated, permission) for permission in held]

    @property
    def concealed(self) -> bool:
        return not any(map(self._may, RIGHTS))
