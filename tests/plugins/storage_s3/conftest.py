"""A bucket of one's own on the S3 server of the tests."""

import uuid
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from lms_plugins.storage_s3 import plugin

from lms_core.plugin_api import Storage
from lms_core.settings import Settings
from lms_core.testing.network import Proxy, closed_port, proxied
from lms_core.testing.services import S3

Made = Callable[..., Storage]


@pytest.fixture(scope="session")
def client(s3: S3) -> Any:
    return boto3.session.Session().client(
        "s3", endpoint_url=s3.url, region_name="us-east-1", aws_access_key_id=s3.access_key,
        aws_secret_access_key=s3.secret_key,
    )  # fmt: skip


@pytest.fixture(scope="session")
def _bucket(client: Any) -> Iterator[str]:
    name = f"lms-{uuid.uuid4().hex}"
    client.create_bucket(Bucket=name)
    yield name
    client.delete_bucket(Bucket=name)


@pytest.fixture
def bucket(client: Any, _bucket: str) -> Iterator[str]:
    """The name of a bucket, emptied after the test."""
    yield _bucket
    for upload in client.list_multipart_uploads(Bucket=_bucket).get("Uploads", ()):
        client.abort_multipart_upload(Bucket=_bucket, Key=upload["Key"], UploadId=upload["UploadId"])
    while found := client.list_objects_v2(Bucket=_bucket).get("Contents"):
        client.delete_objects(Bucket=_bucket, Delete={"Objects": [{"Key": each["Key"]} for each in found]})


@pytest.fixture
def make(s3: S3, bucket: str, bare_settings: Settings) -> Made:
    """``make(lms__s3__endpoint=...)``: the storage as the plugin makes it of these settings."""

    def make(**changes: Any) -> Storage:
        chosen = {
            "lms__s3__endpoint": s3.url, "lms__s3__bucket": bucket, "lms__s3__access_key": s3.access_key,
            "lms__s3__secret_key": s3.secret_key, "lms__s3__timeout": 5.0, **changes,
        }  # fmt: skip
        return plugin.lms_storage_backends()[0].make(bare_settings.replace(**chosen))

    return make


@pytest.fixture
def storage(make: Made) -> Storage:
    return make()


@pytest.fixture
def down(make: Made) -> Storage:
    return make(lms__s3__endpoint=f"http://127.0.0.1:{closed_port()}")


@pytest.fixture
def proxy(s3: S3) -> Iterator[Proxy]:
    """Between ``distant`` and the server."""
    with proxied(urlsplit(s3.url).port or 80) as proxy:
        yield proxy


@pytest.fixture
def distant(make: Made, proxy: Proxy) -> Storage:
    """The same bucket, through the proxy."""
    return make(lms__s3__endpoint=f"http://127.0.0.1:{proxy.port}")
