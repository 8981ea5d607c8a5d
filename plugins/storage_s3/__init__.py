"""Files in a bucket of Amazon S3, or of any server that speaks its protocol."""

from lms_core.plugin_api import Setting, Settings, SettingsError, Storage, StorageBackend, hookimpl

NAME = "s3"


class S3StoragePlugin:
    api_version = "1"

    @hookimpl
    def lms_settings(self) -> list[Setting]:
        return [
            Setting("lms.s3.endpoint", "text", "", "URL of the S3 server; empty is Amazon's", pattern=r"https?://.+"),
            Setting("lms.s3.bucket", "text", "", "Bucket that files are kept in; it must exist"),
            Setting("lms.s3.prefix", "text", "", "What the names of the objects begin with, for example `lms/`"),
            Setting("lms.s3.region", "text", "us-east-1", "Region of the bucket"),
            Setting("lms.s3.access_key", "text", "", "Access key; empty where the machine has a role"),
            Setting("lms.s3.secret_key", "text", "", "Secret key; from the environment only", secret=True),
            Setting("lms.s3.timeout", "seconds", "20s", "How long the server may be silent, at each of three attempts"),
        ]

    @hookimpl
    def lms_storage_backends(self) -> list[StorageBackend]:
        return [StorageBackend(NAME, _make)]


def _make(settings: Settings) -> Storage:
    if not settings.text("lms.s3.bucket"):
        raise SettingsError("lms.s3.bucket: the storage backend s3 needs the name of a bucket")
    try:
        from lms_plugins.storage_s3.storage import S3Storage
    except ImportError as error:
        raise SettingsError(f"the storage backend s3 needs {error.name}: pip install 'lms-core[s3]'") from None
    return S3Storage.from_settings(settings)


plugin = S3StoragePlugin()
