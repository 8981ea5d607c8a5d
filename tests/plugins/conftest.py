"""What the tests of several plugins use."""

import pytest

from lms_core import read_settings
from lms_core.settings import Settings
from lms_core.testing.plugin import TEST_SETTINGS


@pytest.fixture(scope="session")
def bare_settings() -> Settings:
    """Every key, those of the plugins included, over a database that nobody connects to."""
    return read_settings({**TEST_SETTINGS, "sqlalchemy.url": "postgresql:///nowhere"}, {})[0]
