"""The hooks of the files domain."""

from lms_core.files.scanning import FileScanner
from lms_core.files.storage import StorageBackend
from lms_core.kernel.hookspecs import hookspec
from lms_core.settings import Settings


@hookspec
def lms_storage_backends() -> list[StorageBackend]:  # type: ignore[empty-body]  # A specification has no body.
    """Places that uploaded files can rest in.

    Called while the application is configured. Only the backend that ``lms.storage.backend`` names is made then;
    any other one when a file that it holds is first asked for. Conformance: ``lms_core.testing.storages``.
    """


@hookspec
def lms_file_scanners(settings: Settings) -> list[FileScanner]:  # type: ignore[empty-body]
    """What uploaded files are scanned by; none where the settings describe none.

    Called while the application is configured; raise SettingsError for settings that cannot be meant. Each file is
    shown to every scanner, in a worker, and the worst verdict counts. Conformance: ``lms_core.testing.scanners``.
    """
