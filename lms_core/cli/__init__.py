"""The command line, ``lms``. Each module holds one family of commands; what is slow to import, a command imports."""

import click

from lms_core.cli import (
    certificates,
    courses,
    db,
    demo,
    openapi,
    pipelines,
    plugins,
    processes,
    settings,
    storage,
    up,
    users,
)
from lms_core.cli.group import LmsGroup


@click.group(cls=LmsGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="lms-core", prog_name="lms")
def main() -> None:
    """A learning management system: run it, look after it.

    Every command takes --data DIR, the data directory, and --ini FILE, the settings.
    """


for command in (
    *(up.up, processes.serve, processes.worker, processes.beat),
    *(settings.settings, db.db, users.user, courses.course, certificates.certificates, demo.demo),
    *(plugins.plugin, pipelines.pipelines, storage.storage, openapi.openapi),
):
    main.add_command(command)
