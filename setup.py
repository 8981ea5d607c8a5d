"""Finds the packages, each under the name it is imported by; all other metadata stands in setup.cfg."""

from setuptools import find_packages, setup

FOLDER_OF = {"lms_core": "lms_core", "lms_plugins": "plugins", "lms_migrations": "migrations"}


def packages() -> list[str]:
    """Every package of the distribution: lms_plugins lies in plugins/, lms_migrations in migrations/."""
    return [
        ".".join([package, *found.split(".")[1:]])
        for package, folder in FOLDER_OF.items()
        for found in find_packages(include=[folder, f"{folder}.*"])
    ]


setup(packages=packages())
