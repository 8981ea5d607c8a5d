"""Applications with one more importer, whose files are JSON: what arrives is up to the test."""

from importlib.metadata import EntryPoint, entry_points

import pytest

import lms_core
from lms_core.kernel.plugins import GROUP, Plugins

TOY = EntryPoint("toy", "tests.fixtures.toy_importer:plugin", GROUP)


@pytest.fixture(scope="session")
def configure_with_toy(settings):
    """``configure_with_toy(**changes)`` -> a registry that also imports ``.toy`` files, with settings changed."""
    made = []

    def configure(**changes):
        plugins = Plugins(lms_core.HOOKS, found=[*entry_points(group=GROUP), TOY])
        made.append(lms_core.configure(settings.replace(**changes), plugins).registry)
        return made[-1]

    yield configure
    for registry in made:
        registry.core.close()


@pytest.fixture(scope="session")
def toy_registry(configure_with_toy):
    """A registry that also imports ``.toy`` files."""
    return configure_with_toy()
