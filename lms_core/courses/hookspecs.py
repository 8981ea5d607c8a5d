"""The hooks of the courses domain."""

from lms_core.courses.content.types import ContentType
from lms_core.courses.exporting import CourseExporter
from lms_core.courses.importing import CourseImporter
from lms_core.kernel.hookspecs import hookspec


@hookspec
def lms_course_importers() -> list[CourseImporter]:  # type: ignore[empty-body]  # A specification has no body.
    """File formats that courses can be imported from.

    Called at each import. The first importer, in the order of the plugins' names, that recognizes a file reads it,
    outside any transaction; see :class:`CourseImporter` for what it may raise. Conformance:
    ``lms_core.testing.importers``.
    """


@hookspec
def lms_course_exporters() -> list[CourseExporter]:  # type: ignore[empty-body]
    """File formats that courses can be exported to.

    Called at each export. The core reads the course first and hands it over as plain values; the exporter writes,
    outside any transaction. Conformance: ``lms_core.testing.exporters``.
    """


@hookspec
def lms_content_types() -> list[ContentType]:  # type: ignore[empty-body]
    """What lessons can be; see :class:`ContentType` for what is called when.

    Called at the start, where a name that is taken twice stops it, and whenever content is written or listed.
    Conformance: ``lms_core.testing.content_types``.
    """
