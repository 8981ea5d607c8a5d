"""Open enrollment: whoever wants to is in."""

from lms_core.plugin_api import Admit, Application, EnrollmentMethod, _, hookimpl

api_version = "1"


class OpenEnrollment(EnrollmentMethod):
    name = "open"
    title = _("Open to everybody")

    def decide(self, application: Application) -> Admit:
        return Admit()


@hookimpl
def lms_enrollment_methods() -> list[EnrollmentMethod]:
    return [OpenEnrollment()]
