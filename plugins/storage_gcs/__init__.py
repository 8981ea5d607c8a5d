"""Files in a bucket of Google Cloud Storage."""

from lms_core.plugin_api import Setting, Settings, SettingsError, Storage, StorageBackend, hookimpl

NAME = "gcs"


class GCSStoragePlugin:
    api_version = "1"

    @hookimpl
    def lms_settings(self) -> list[Setting]:
        return [
            Setting("lms.gcs.bucket", "text", "", "Google bucket that files are kept in; it must exist"),
            Setting("lms.gcs.prefix", "text", "", "What the names of the objects begin with, for example `lms/`"),
            Setting("lms.gcs.credentials", "text", "", "Key file of a service account; empty for the machine's own"),
            Setting("lms.gcs.endpoint", "text", "", "URL of an emulator; without a key file it is asked anonymously",
                    pattern=r"https?://.+"),
            Setting("lms.gcs.timeout", "seconds", "20s", "How long the server may be silent"),
        ]  # fmt: skip

    @hookimpl
    def lms_storage_backends(self) -> list[StorageBackend]:
        return [StorageBackend(NAME, _make)]


def _make(settings: Settings) -> Storage:
    if not settings.text("lms.gcs.bucket"):
        raise SettingsError("lms.gcs.bucket: the storage backend gcs needs the name of a bucket")
    try:
        from lms_plugins.storage_gcs.storage import GCSStorage
    except ImportError as error:
        raise SettingsError(f"the storage backend gcs needs {error.name}: pip install 'lms-core[gcs]'") from None
    return GCSStorage.from_settings(settings)


plugin = GCSStoragePlugin()
