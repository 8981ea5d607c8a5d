"""The hooks of the files domain."""

from lms_core.files.storage import StorageBackend
from lms_core.kernel.hookspecs import hookspec


@hookspec
def lms_storage_backends() -> list[StorageBackend]:  # type: ignore[empty-body]  # A specification has no body.
    """Places that uploaded files can rest in.

    Called while the application is configured. Only the backend that ``lms.storage.backend`` names is made then;
    any other one when a file that it holds is first asked for. Conformance: ``lms_core.testing.storages``.
    """
