"""Files on this machine's disk, in the data directory: the storage backend that needs no server."""

from lms_plugins.storage_local.storage import LocalStorage

from lms_core.plugin_api import Settings, Storage, StorageBackend, hookimpl


class LocalStoragePlugin:
    api_version = "1"

    @hookimpl
    def lms_storage_backends(self) -> list[StorageBackend]:
        return [StorageBackend(LocalStorage.name, _make)]


def _make(settings: Settings) -> Storage:
    return LocalStorage(settings.data / "files")


plugin = LocalStoragePlugin()
