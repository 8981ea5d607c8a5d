"""Objects in a bucket."""

import base64
import datetime as dt
import hashlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, BinaryIO

import boto3
import structlog
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

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
"""Bytes of one part of an upload: what one upload holds in memory. S3 takes 10,000 of them, so 80 GB."""
ATTEMPTS = 3
"""How often a request is made at most that the server does not answer, or answers with a fault of its own."""
CONNECTIONS = 32

_CONNECT_TIMEOUT = 5.0
_MISSING = frozenset({"404", "NoSuchKey", "NotFound"})


class S3Storage:
    """Objects under ``prefix`` and their key.

    What fits into one part is one request; anything larger is a multipart upload, which is no object before it is
    completed. Every part goes with its MD5 sum, so that the server refuses what was damaged on its way.
    """

    name = "s3"

    def __init__(self, client: Any, bucket: str, prefix: str = "") -> None:
        self._client, self._bucket, self._prefix = client, bucket, prefix

    @classmethod
    def from_settings(cls, settings: Settings) -> "S3Storage":
        """Raises SettingsError where there is a key without its secret, or no such region."""
        access, secret = settings.text("lms.s3.access_key"), settings.text("lms.s3.secret_key")
        if bool(access) != bool(secret):
            missing = "secret_key" if access else "access_key"
            raise SettingsError(f"lms.s3.{missing}: required beside the other key (as LMS_S3_{missing.upper()})")
        endpoint = settings.text("lms.s3.endpoint")
        config = Config(
            connect_timeout=_CONNECT_TIMEOUT,
            read_timeout=settings.seconds("lms.s3.timeout"),
            retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
            max_pool_connections=CONNECTIONS,
            # Other servers than Amazon's have no host name for each bucket, and not all know the newer checksums.
            s3={"addressing_style": "path" if endpoint else "auto"},
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        )
        try:
            client = boto3.session.Session().client(
                "s3",
                endpoint_url=endpoint or None,
                region_name=settings.text("lms.s3.region"),
                aws_access_key_id=access or None,
                aws_secret_access_key=secret or None,
                config=config,
            )
        except (BotoCoreError, ValueError) as error:
            raise SettingsError(f"lms.s3.endpoint, lms.s3.region: {error}") from None
        return cls(client, settings.text("lms.s3.bucket"), settings.text("lms.s3.prefix"))

    def put(self, key: str, stream: Readable) -> Stored:
        place, incoming = self._place(key), IncomingStream(stream)
        part = incoming.part(PART)
        if len(part) < PART:
            with _reported():
                self._client.put_object(**place, Body=part, ContentMD5=_md5(part))
            return incoming.stored
        with self._upload(place) as send:
            while part:
                send(part)
                part = bytearray()  # Let go of, before the next one is held.
                part = incoming.part(PART)
        return incoming.stored

    @contextmanager
    def _upload(self, place: dict[str, str]) -> Iterator[Callable[[bytearray], None]]:
        """A multipart upload, completed at the end of the block: the function it gives sends the next part."""
        with _reported():
            upload = {**place, "UploadId": self._client.create_multipart_upload(**place)["UploadId"]}
        parts: list[dict[str, Any]] = []

        def send(part: bytearray) -> None:
            number = len(parts) + 1
            with _reported():
                sent = self._client.upload_part(**upload, PartNumber=number, Body=part, ContentMD5=_md5(part))
            parts.append({"PartNumber": number, "ETag": sent["ETag"]})

        try:
            yield send
            with _reported():
                self._client.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})
        except BaseException:
            self._give_up(upload)
            raise

    def _give_up(self, upload: dict[str, str]) -> None:
        """The parts shall not be left; where they cannot be removed now, sweeping does it."""
        try:
            self._client.abort_multipart_upload(**upload)
        except (BotoCoreError, ClientError) as error:
            structlog.get_logger("lms.storage").warning("s3_upload_abandoned", key=upload["Key"], reason=repr(error))

    def open(self, key: str) -> BinaryIO:
        place = self._place(key)
        with _reported():
            size = self._client.head_object(**place)["ContentLength"]
        return ranged_stream(size, partial(self._fetch, place))

    def _fetch(self, place: dict[str, str], start: int, stop: int) -> bytes:
        """Botocore repeats a request that got no answer; one whose answer breaks off is repeated here."""
        with _reported():
            for left in reversed(range(ATTEMPTS)):
                answer = self._client.get_object(**place, Range=f"bytes={start}-{stop - 1}")
                try:
                    content: bytes = answer["Body"].read()
                    if len(content) == stop - start:
                        return content
                except BotoCoreError:
                    if not left:
                        raise
            raise OSError(f"{place['Key']} has no bytes {start} to {stop - 1}")

    def delete(self, key: str) -> None:
        place = self._place(key)
        with _reported():
            self._client.delete_object(**place)

    def exists(self, key: str) -> bool:
        place = self._place(key)
        with _reported():
            try:
                self._client.head_object(**place)
            except ClientError as error:
                if error.response["Error"]["Code"] in _MISSING:
                    return False
                raise
            return True

    def objects(self) -> Iterator[StoredObject]:
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=self._prefix)
        for page in _each(pages):
            for found in page.get("Contents", ()):
                key = found["Key"].removeprefix(self._prefix)
                if is_storage_key(key):
                    yield StoredObject(key, found["Size"], found["LastModified"])

    def sweep(self, before: dt.datetime) -> int:
        swept = 0
        pages = self._client.get_paginator("list_multipart_uploads").paginate(Bucket=self._bucket, Prefix=self._prefix)
        for page in _each(pages):
            for upload in page.get("Uploads", ()):
                if is_storage_key(upload["Key"].removeprefix(self._prefix)) and upload["Initiated"] < before:
                    with _reported():
                        self._client.abort_multipart_upload(
                            Bucket=self._bucket, Key=upload["Key"], UploadId=upload["UploadId"]
                        )
                    swept += 1
        return swept

    def _place(self, key: str) -> dict[str, str]:
        return {"Bucket": self._bucket, "Key": self._prefix + check_storage_key(key)}


@contextmanager
def _reported() -> Iterator[None]:
    try:
        yield
    except (BotoCoreError, ClientError, OSError) as error:
        raise StorageUnavailable from error


def _each(pages: Iterable[Any]) -> Iterator[Any]:
    """The pages; what goes wrong on the way to one is reported, and what is done with it is not."""
    rest = iter(pages)
    while True:
        with _reported():
            page = next(rest, None)
        if page is None:
            return
        yield page


def _md5(part: bytearray) -> str:
    return base64.b64encode(hashlib.md5(part, usedforsecurity=False).digest()).decode()
