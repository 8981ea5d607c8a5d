"""From an ini file, ``--data`` and the environment to settings, and from settings to a configured application.

What counts, the stronger first: ``--data``, the environment, the ini file, the defaults of the settings table.
"""

import configparser
import sysconfig
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lms_core.settings import EMBEDDED, SETTINGS, Settings, SettingsError, unknown_variables

if TYPE_CHECKING:
    from pyramid.registry import Registry

    from lms_core.kernel.plugins import Plugins

SECTION = "app:main"
DEFAULT_INI = "development.ini"


def find_ini(named: Path | None, environ: Mapping[str, str]) -> Path:
    """The ini file to read: ``--ini``, else ``LMS_INI``, else the first ``development.ini`` that is there.

    It is looked for in the working directory, in the checkout, and where an installed wheel keeps it. Raises
    SettingsError where there is none.
    """
    named = named or (Path(environ["LMS_INI"]) if environ.get("LMS_INI") else None)
    if named:
        if not named.is_file():
            raise SettingsError(f"{named}: no such ini file")
        return named.absolute()
    folders = (Path.cwd(), Path(__file__).parents[2], Path(sysconfig.get_path("data")) / "share" / "lms-core")
    for folder in folders:
        if (folder / DEFAULT_INI).is_file():
            return folder / DEFAULT_INI
    raise SettingsError(f"no {DEFAULT_INI} here; name an ini file with --ini FILE or LMS_INI")


def read_ini(path: Path) -> dict[str, str]:
    """The section ``[app:main]``, read as PasteDeploy (``pserve``) reads it, ``%(here)s`` included."""
    parser = configparser.ConfigParser(defaults={"here": str(path.parent), "__file__": str(path)})
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # Documented: keys keep their case.
    try:
        parser.read_string(path.read_text(encoding="utf-8"), source=str(path))
        section = dict(parser.items(SECTION))
    except configparser.NoSectionError:
        raise SettingsError(f"{path}: has no section [{SECTION}]") from None
    except (configparser.Error, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: {' '.join(str(error).split())}") from None
    section.pop("use", None)
    return section


@dataclass(frozen=True, slots=True)
class Source:
    """Where the settings of a command come from: an ini file with its section, and the environment over it."""

    ini: Path
    section: Mapping[str, str]
    environ: Mapping[str, str]

    def read(self) -> "tuple[Settings, Plugins]":
        """The settings, and the plugins they leave switched on. Raises SettingsError with one line."""
        from lms_core import read_settings

        return read_settings(self.section, self.environ)

    def sets(self, name: str) -> bool:
        """Whether a key of the core is set anywhere, or left to its default."""
        variable = next(setting.variable for setting in SETTINGS if setting.name == name)
        return name in self.section or variable in self.environ


def find_source(ini: Path | None, data: Path | None, environ: Mapping[str, str]) -> Source:
    found = find_ini(ini, environ)
    return Source(found, read_ini(found), {**environ, **({"LMS_DATA": str(data)} if data else {})})


def load(ini: Path | None, data: Path | None, environ: Mapping[str, str]) -> Settings:
    """The settings alone; ``embedded:`` in them is resolved when the application is configured."""
    return find_source(ini, data, environ).read()[0]


def begin_log(settings: Settings, environ: Mapping[str, str]) -> None:
    """Set up the log of a process. Its first line names what of the environment sets nothing, if anything does not."""
    import structlog

    from lms_core.cli.up.supervisor import SUPERVISED
    from lms_core.kernel.logging import configure_logging

    configure_logging(settings)
    unknown = unknown_variables(settings.table, environ)
    if unknown and SUPERVISED not in environ:  # Else it has been said.
        structlog.get_logger("lms.settings").warning("unknown_variables", names=unknown, see="lms settings")


def make_data_folder(settings: Settings) -> Path:
    """The data directory, made for its owner only where it is not there yet."""
    folder = settings.data
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(f"lms.data: cannot make {folder}: {error.strerror}") from None
    return folder


@contextmanager
def database_held(settings: Settings) -> Iterator[Settings]:
    """The settings with the embedded database's URL in place of ``embedded:``; it runs as long as the block."""
    if settings.text("sqlalchemy.url") != EMBEDDED:
        yield settings
        return
    from lms_core.kernel.embedded import server

    with server(make_data_folder(settings)) as url:
        yield settings.replace(sqlalchemy__url=url)


@contextmanager
def application(settings: Settings, plugins: "Plugins | None" = None) -> "Iterator[Registry]":
    """The registry of a configured application, for a command; its connections are closed afterwards."""
    from lms_core import configure

    with database_held(settings) as held:
        registry = configure(held, plugins).registry
        try:
            yield registry
        finally:
            registry.core.close()


def try_out(settings: Settings, plugins: "Plugins") -> None:
    """Configure the application once for the errors: several processes would each report the same."""
    with application(settings, plugins):
        pass
