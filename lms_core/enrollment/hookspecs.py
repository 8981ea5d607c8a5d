"""The hooks of the enrollment domain."""

from lms_core.enrollment.methods import EnrollmentMethod
from lms_core.kernel.hookspecs import hookspec


@hookspec
def lms_enrollment_methods() -> list[EnrollmentMethod]:  # type: ignore[empty-body]  # A specification has no body.
    """Ways into a course; see :class:`EnrollmentMethod` for what it decides, and within which transaction.

    Called at the start, where a name that is taken twice stops it, and whenever somebody enrolls. Conformance:
    ``lms_core.testing.enrollment_methods``.
    """
