"""What every command takes: ``--data`` and ``--ini``, handed to it as its place."""

import functools
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

import click

from lms_core.cli import bootstrap
from lms_core.settings import Settings

if TYPE_CHECKING:
    from pyramid.registry import Registry

    from lms_core.kernel.core import Core


P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Place:
    """Which installation a command works on."""

    ini: Path | None
    data: Path | None

    def source(self) -> bootstrap.Source:
        return bootstrap.find_source(self.ini, self.data, os.environ)

    def settings(self) -> Settings:
        return self.source().read()[0]

    @contextmanager
    def registry(self) -> "Iterator[Registry]":
        """The configured application; the embedded database runs at least as long as the block."""
        with bootstrap.application(*self.source().read()) as registry:
            yield registry

    @contextmanager
    def core(self) -> "Iterator[Core]":
        with self.registry() as registry:
            yield registry.core


def placed(command: Callable[Concatenate[Place, P], R]) -> Callable[..., R]:
    """Add the options; the command receives its :class:`Place` first."""

    @click.option(
        "--data", type=click.Path(file_okay=False, path_type=Path), metavar="DIR", envvar="LMS_DATA",
        help="Data directory.  [default: lms.data of the ini file, ./data]",
    )  # fmt: skip
    @click.option(
        "--ini", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", envvar="LMS_INI",
        help="Settings.  [default: development.ini here, or the installed one]",
    )  # fmt: skip
    @functools.wraps(command)
    def run(*args: Any, data: Path | None, ini: Path | None, **options: Any) -> R:
        return command(Place(ini, data), *args, **options)

    return run
