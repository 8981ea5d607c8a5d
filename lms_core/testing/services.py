"""Tests that need a real service run where a variable says where one is; elsewhere they are left out, and it is said.

A test asks for a service by its fixture, or by a mark where only one of its parameters needs it:
``pytest.param("s3", marks=pytest.mark.needs("s3"))``. Left out means deselected, so that the report of a run has no
skips; the summary names each service that was missing, how many tests wanted it, and the variable that brings them
back. With ``LMS_TEST_STRICT=1`` a missing service is an error.
"""

import os
import shutil
import subprocess
import sys
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from lms_core.testing.network import LOOPBACK, closed_port, wait_for

STRICT_VARIABLE = "LMS_TEST_STRICT"


@dataclass(frozen=True, slots=True)
class Service:
    """What a fixture stands for: its name for people, and the variable that says where it is.

    What is no service but a program has the program's name in place of the variable.
    """

    title: str
    variable: str = ""
    shared: bool = True
    """Whether tests of it get in each other's way, so that they take turns (fixture ``alone``)."""
    program: str = ""

    @property
    def is_there(self) -> bool:
        return shutil.which(self.program) is not None if self.program else bool(os.environ.get(self.variable))

    @property
    def remedy(self) -> str:
        """What to do where it is missing."""
        return f"install {self.program}" if self.program else f"set {self.variable}"


SERVICES: Mapping[str, Service] = MappingProxyType(
    {
        "amqp_url": Service("RabbitMQ", "LMS_TEST_AMQP_URL"),
        "redis_url": Service("Redis", "LMS_TEST_REDIS_URL"),
        "opensearch_url": Service("OpenSearch", "LMS_TEST_OPENSEARCH_URL"),
        "s3": Service("S3", "LMS_TEST_S3_URL"),
        "clamd_url": Service("clamd", "LMS_TEST_CLAMD_URL", shared=False),
        "samples": Service("foreign sample files", "LMS_TEST_SAMPLES", shared=False),
        "ffmpeg": Service("FFmpeg", shared=False, program="ffmpeg"),
    }
)
"""By fixture name."""


@dataclass(frozen=True, slots=True)
class S3:
    """A server that speaks S3, and keys that it accepts."""

    url: str
    access_key: str
    secret_key: str


@dataclass(frozen=True, slots=True)
class GCS:
    """A server that speaks Google's storage protocol, and a bucket that it has."""

    url: str
    bucket: str
    process: subprocess.Popen[bytes]


@contextmanager
def gcs_emulator(port: int = 0) -> Iterator[GCS]:
    """Google's storage in a process of its own, in memory, with one bucket; it ends with the block."""
    port, bucket = port or closed_port(), "files"
    program = Path(sys.executable).with_name("gcp-storage-emulator")
    command = (program, "start", f"--host={LOOPBACK}", f"--port={port}", "--in-memory", "--quiet")
    with subprocess.Popen([*command, f"--default-bucket={bucket}"], stderr=subprocess.DEVNULL) as process:
        try:
            wait_for(port, process)
            yield GCS(f"http://{LOOPBACK}:{port}", bucket, process)
        finally:
            process.kill()


def needs(item: pytest.Item) -> set[str]:
    """The services that a test wants."""
    marked = {name for mark in item.iter_markers("needs") for name in mark.args}
    return marked | (SERVICES.keys() & set(getattr(item, "fixturenames", ())))


def leave_out(config: pytest.Config, items: list[pytest.Item]) -> dict[str, int]:
    """Deselect the tests whose service is not there; answers how many each missing service cost."""
    missing = {name for name, service in SERVICES.items() if not service.is_there}
    strict = os.environ.get(STRICT_VARIABLE, "0") not in ("", "0")
    left_out: Counter[str] = Counter()
    kept: list[pytest.Item] = []
    dropped: list[pytest.Item] = []
    for item in items:
        lacking = sorted(needs(item) & missing)
        left_out.update(lacking)
        (dropped if lacking and not strict else kept).append(item)
    if dropped:
        items[:] = kept
        config.hook.pytest_deselected(items=dropped)
    return {} if strict else dict(left_out)


def summary(left_out: Mapping[str, int]) -> Iterable[str]:
    """One line for each service that was missing."""
    for name, count in sorted(left_out.items()):
        service = SERVICES[name]
        tests = "1 test needs" if count == 1 else f"{count} tests need"
        yield f"{tests} {service.title}: {service.remedy}"


def address(name: str) -> str:
    """Where a service is. Fails the test where nobody says so, which only ``LMS_TEST_STRICT`` lets happen."""
    service = SERVICES[name]
    value = shutil.which(service.program) if service.program else os.environ.get(service.variable)
    if not value:
        lacking = f"{service.program} is not installed" if service.program else f"{service.variable} is not set"
        pytest.fail(f"{service.title} is needed: {lacking}", pytrace=False)
    return value


@pytest.fixture(scope="session")
def amqp_url() -> str:
    """The URL of a RabbitMQ, shared by all tests: declare queues of your own, and delete them."""
    return address("amqp_url")


@pytest.fixture(scope="session")
def redis_url() -> str:
    """The URL of a Redis, shared by all tests: use keys of your own."""
    return address("redis_url")


@pytest.fixture(scope="session")
def opensearch_url() -> str:
    """The URL of an OpenSearch, shared by all tests: use indexes of your own."""
    return address("opensearch_url")


@pytest.fixture(scope="session")
def s3() -> S3:
    """An S3 server, shared by all tests: use buckets of your own."""
    keys: list[Any] = [os.environ.get(name, "") for name in ("LMS_TEST_S3_ACCESS_KEY", "LMS_TEST_S3_SECRET_KEY")]
    return S3(address("s3"), *keys)


@contextmanager
def s3_bucket(server: S3) -> Iterator[tuple[Any, str]]:
    """A client of the server and the name of a bucket, which is gone after the block with all that is in it."""
    import boto3

    client = boto3.session.Session().client(
        "s3", endpoint_url=server.url, region_name="us-east-1", aws_access_key_id=server.access_key,
        aws_secret_access_key=server.secret_key,
    )  # fmt: skip
    name = f"lms-{uuid.uuid4().hex}"
    client.create_bucket(Bucket=name)
    try:
        yield client, name
    finally:
        empty_bucket(client, name)
        client.delete_bucket(Bucket=name)


def empty_bucket(client: Any, name: str) -> None:
    """Forget every object of a bucket, and every upload that was begun."""
    for upload in client.list_multipart_uploads(Bucket=name).get("Uploads", ()):
        client.abort_multipart_upload(Bucket=name, Key=upload["Key"], UploadId=upload["UploadId"])
    while found := client.list_objects_v2(Bucket=name).get("Contents"):
        client.delete_objects(Bucket=name, Delete={"Objects": [{"Key": each["Key"]} for each in found]})


def s3_settings(server: S3, bucket: str) -> dict[str, str]:
    """What has files go there."""
    return {
        "lms.s3.endpoint": server.url, "lms.s3.bucket": bucket, "lms.s3.access_key": server.access_key,
        "lms.s3.secret_key": server.secret_key,
    }  # fmt: skip


@pytest.fixture(scope="session")
def gcs() -> Iterator[GCS]:
    """A server that speaks Google's storage protocol, and an empty bucket: a process of this test run's own."""
    with gcs_emulator() as server:
        yield server


@pytest.fixture(scope="session")
def clamd_url() -> str:
    """``tcp://host:port`` of a clamd that knows the EICAR test signature."""
    return address("clamd_url")


@pytest.fixture(scope="session")
def samples() -> Path:
    """The folder of foreign sample files."""
    return Path(address("samples"))


@pytest.fixture(scope="session")
def ffmpeg() -> str:
    """The path of FFmpeg, which is installed with the ffprobe of its version."""
    return address("ffmpeg")
