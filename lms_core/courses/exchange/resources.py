"""Exports and imports in the resource tree: a job is its requester's alone."""

from typing import Any, ClassVar

from pyramid.authorization import Allow

from lms_core.courses.access import course_acl
from lms_core.courses.exchange import queries
from lms_core.courses.resources import OfCourse
from lms_core.kernel.errors import Conflict
from lms_core.kernel.i18n import _
from lms_core.kernel.security import ACE, caller_id, scoped_acl, user_principal
from lms_core.kernel.traversal import Collection, Item, Resource


class CourseExports(OfCourse):
    """``/courses/{id}/exports``."""


class CourseImportDoor(Resource):
    """``/courses/import``."""

    __acl__: ClassVar[list[ACE]] = scoped_acl(["courses:import"], ["own", "all"])


class Exports(Collection):
    """``/exports``: reached by id only."""


class Imports(Collection):
    """``/imports``: reached by id only."""


class JobItem(Item):
    """A job."""

    READ: ClassVar[str]

    @property
    def mine(self) -> bool:
        return bool(self.row.requested_by == caller_id(self.request))

    @property
    def concealed(self) -> bool:
        return not self.mine

    @property
    def __acl__(self) -> list[ACE]:
        return [(Allow, user_principal(self.row.requested_by), self.READ)]


class ExportItem(JobItem):
    """``/exports/{id}``. The file is for who may export the course still."""

    READ = "exports:read"

    def load(self) -> Any:
        return queries.export(self.request.registry, self.request.reader, self.id, caller_id(self.request))

    @property
    def __acl__(self) -> list[ACE]:
        return [*super().__acl__, *course_acl(self.request, self.row, ["courses:export"])] if self.mine else []

    @property
    def stored(self) -> Any:
        """The row, once there is a file to it. Raises 409 ``export_not_ready``."""
        if self.row.storage_path is None:
            raise Conflict("export_not_ready", _("There is no file: the export is not done."))
        return self.row


class ImportItem(JobItem):
    """``/imports/{id}``."""

    READ = "imports:read"

    def load(self) -> Any:
        return queries.course_import(self.request.reader, self.id)
