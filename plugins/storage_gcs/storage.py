"""Objects in a bucket."""

import base64
import datetime as dt
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, BinaryIO

from google.api_core.exceptions import GoogleAPIError, NotFound
from google.auth.credentials import AnonymousCredentials, Credentials
from google.auth.exceptions import GoogleAuthError
from google.cloud.storage import Client
from google.cloud.storage.exceptions import DataCorruption, InvalidResponse
from google.cloud.storage.retry import DEFAULT_RETRY
from google.oauth2.service_account import Credentials as ServiceAccount

from lms_core.plugin_api import (
    IncomingStream,
    Readable,
    Settings,
    SettingsError,
    StorageUnavailable,
    Stored,
    StoredObject,
    check_storage_key,
    is_storage_key,
    ranged_stream,
)

PART = 8 << 20
"""Bytes of one request of an upload: what one upload holds in memory, or twice that."""

_CONNECT_TIMEOUT = 5.0
_RETRY = DEFAULT_RETRY.with_delay(initial=0.2, maximum=2.0).with_timeout(10.0)
"""Requests that are safe to repeat are, until 10 s are over."""
_TYPE = "application/octet-stream"
_SCOPE = "https://www.googleapis.com/auth/devstorage.read_write"
_UNUSED = "-"
"""The client asks for a project, which only making a bucket takes."""


class GCSStorage:
    """Objects under ``prefix`` and their key.

    What fits into one part is one request; anything larger is a resumable upload, which is no object before its last
    byte is there, and which the server forgets by itself. The server is told the MD5 sum, or the client compares it.
    """

    name = "gcs"

    def __init__(self, client: Any, bucket: str, prefix: str = "", timeout: float = 20.0) -> None:
        self._client, self._bucket, self._prefix = client, client.bucket(bucket), prefix
        self._options: dict[str, Any] = {"timeout": (_CONNECT_TIMEOUT, timeout), "retry": _RETRY}

    @classmethod
    def from_settings(cls, settings: Settings) -> "GCSStorage":
        """Raises SettingsError where the credentials cannot be read, or there are none."""
        endpoint = settings.text("lms.gcs.endpoint")
        try:
            client = Client(
                project=_UNUSED,
                credentials=_credentials(settings.text("lms.gcs.credentials"), anonymous=bool(endpoint)),
                client_options={"api_endpoint": endpoint} if endpoint else None,
            )
        except (GoogleAuthError, OSError, ValueError) as error:
            raise SettingsError(f"lms.gcs.credentials: {' '.join(str(error).split())}") from None
        return cls(
            client,
            settings.text("lms.gcs.bucket"),
            settings.text("lms.gcs.prefix"),
            settings.seconds("lms.gcs.timeout"),
        )

    def put(self, key: str, stream: Readable) -> Stored:
        blob, incoming = self._blob(key), IncomingStream(stream)
        first = incoming.part(PART)
        with _reported(incoming):
            if len(first) < PART:
                blob.md5_hash = base64.b64encode(hashlib.md5(first, usedforsecurity=False).digest()).decode()
                blob.upload_from_string(bytes(first), content_type=_TYPE, **self._options)
            else:
                parts = _Parts(first, incoming)
                del first
                blob.chunk_size = PART
                blob.upload_from_file(parts, content_type=_TYPE, checksum="md5", **self._options)
        return incoming.stored

    def open(self, key: str) -> BinaryIO:
        blob = self._blob(key)
        with _reported():
            blob.reload(**self._options)
        return ranged_stream(blob.size, partial(self._fetch, key))

    def _fetch(self, key: str, start: int, stop: int) -> bytes:
        # Of a blob that knows no more than its name: one that was loaded is fetched from where the server says it is,
        # which need not be where we can reach it.
        blob = self._blob(key)
        with _reported():
            content: bytes = blob.download_as_bytes(
                start=start, end=stop - 1, raw_download=True, checksum=None, **self._options
            )
            if len(content) != stop - start:
                raise OSError(f"{blob.name} has no bytes {start} to {stop - 1}")
            return content

    def delete(self, key: str) -> None:
        blob = self._blob(key)
        with _reported():
            try:
                blob.delete(**self._options)
            except NotFound:
                return

    def exists(self, key: str) -> bool:
        blob = self._blob(key)
        with _reported():
            return bool(blob.exists(**self._options))

    def objects(self) -> Iterator[StoredObject]:
        found = iter(self._client.list_blobs(self._bucket, prefix=self._prefix, **self._options))
        while True:
            with _reported():
                blob = next(found, None)
            if blob is None:
                return
            key = blob.name.removeprefix(self._prefix)
            if is_storage_key(key):
                yield StoredObject(key, blob.size, blob.updated)

    def sweep(self, before: dt.datetime) -> int:
        """Nothing to do: an upload that never ended is no object, and is forgotten within a week."""
        return 0

    def _blob(self, key: str) -> Any:
        return self._bucket.blob(self._prefix + check_storage_key(key))


class _Parts:
    """What the client takes for a file: it reads whole parts of it, one after the other, and asks where it stands."""

    def __init__(self, first: bytearray, incoming: IncomingStream) -> None:
        self._next: bytearray | None = first
        self._incoming = incoming
        self._position = 0

    def read(self, size: int) -> bytes:
        part, self._next = self._next, None
        content = bytes(self._incoming.part(size) if part is None else part)
        self._position += len(content)
        return content

    def tell(self) -> int:
        return self._position


def _credentials(path: str, *, anonymous: bool) -> Credentials | None:
    """None for those that the machine has."""
    account: Any = ServiceAccount  # google-auth is annotated in parts.
    nobody: Any = AnonymousCredentials
    made: Credentials | None = account.from_service_account_file(path, scopes=[_SCOPE]) if path else None
    return made or (nobody() if anonymous else None)


@contextmanager
def _reported(incoming: IncomingStream | None = None) -> Iterator[None]:
    """What the client raises is StorageUnavailable; what the stream on its way in raises is not the client's."""
    try:
        yield
    except (GoogleAPIError, GoogleAuthError, DataCorruption, InvalidResponse, OSError) as error:
        if incoming is not None and error is incoming.failure:
            raise
        raise StorageUnavailable from error
