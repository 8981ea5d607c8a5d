"""What ships for tests: the pytest plugin, and the helpers its fixtures hand out."""

from collections.abc import Mapping
from types import MappingProxyType

CONFORMANCE: Mapping[str, str] = MappingProxyType({
    "lms_content_types": "lms_core.testing.content_types",
    "lms_enrollment_methods": "lms_core.testing.enrollment_methods",
    "lms_course_exporters": "lms_core.testing.exporters",
    "lms_course_importers": "lms_core.testing.importers",
    "lms_payment_gateways": "lms_core.testing.payment_gateways",
    "lms_storage_backends": "lms_core.testing.storages",
    "lms_file_scanners": "lms_core.testing.scanners",
})  # fmt: skip
"""By hook, the module whose suite the author of such a plugin subclasses; the core's own plugins pass it."""
