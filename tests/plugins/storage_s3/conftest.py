"""A bucket of one's own on the S3 server of the tests."""

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from lms_plugins.storage_s3 import plugin

from lms_core.plugin_api import Storage
from lms_core.settings import Settings
from lms_core.testing.network import Proxy, closed_port, proxied
from lms_core.testing.services import S3, empty_bucket, s3_bucket, s3_settings

Made = Callable[..., Storage]


@pytest.fixture(scope="session")
def _bucket(s3: S3) -> Iterator[tuple[Any, str]]:
    with s3_bucket(s3) as made:
        yield made


@pytest.fixture
def client(_bucket: tuple[Any, str]) -> Any:
    return _bucket[0]


@pytest.fixture
def bucket(_bucket: tuple[Any, str]) -> Iterator[str]:
    """The name of a bucket, emptied after the test."""
    yield _bucket[1]
    empty_bucket(*_bucket)


@pytest.fixture
def make(s3: S3, bucket: str, bare_settings: Settings) -> Made:
    """``make(lms__s3__endpoint=...)``: the storage as the plugin makes it of these settings."""

    def make(**changes: Any) -> Storage:
        chosen = {name.replace(".", "__"): value for name, value in s3_settings(s3, bucket).items()}
        return plugin.lms_storage_backends()[0].make(
            bare_settings.replace(**{**chosen, "lms__s3__timeout": 5.0, **changes})
        )

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
