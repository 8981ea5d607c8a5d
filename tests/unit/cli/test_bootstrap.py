"""Which ini file counts, how it is read, and what is stronger than it."""

from pathlib import Path

import plaster
import pytest

from lms_core.cli import bootstrap
from lms_core.settings import SettingsError

ROOT = Path(bootstrap.__file__).parents[2]
MINIMAL = "[app:main]\nuse = egg:lms-core\nsqlalchemy.url = postgresql:///x\nlms.broker.url = embedded:\n"
KEYS = "lms.jwt.keys = generated:\nlms.secret.keys = generated:\nlms.certificates.keys = generated:\n"


def write(path: Path, more: str = "") -> Path:
    path.write_text(MINIMAL + KEYS + more)
    return path


def test_the_named_file_comes_before_the_variable_and_both_before_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, one, two = (write(tmp_path / name) for name in ("development.ini", "one.ini", "two.ini"))
    monkeypatch.chdir(tmp_path)

    assert bootstrap.find_ini(one, {"LMS_INI": str(two)}) == one
    assert bootstrap.find_ini(None, {"LMS_INI": str(two)}) == two
    assert bootstrap.find_ini(None, {}) == here


def test_from_elsewhere_the_one_of_the_checkout_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    assert bootstrap.find_ini(None, {}) == ROOT / "development.ini"


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"none\.ini: no such ini file"):
        bootstrap.find_ini(tmp_path / "none.ini", {})


def test_data_is_stronger_than_the_environment_and_that_than_the_file(tmp_path: Path) -> None:
    ini = write(tmp_path / "a.ini", "lms.data = from-file\nlms.name = From file\n")

    assert bootstrap.load(ini, None, {}).path("lms.data") == Path("from-file")
    assert bootstrap.load(ini, None, {"LMS_DATA": "from-environ"}).path("lms.data") == Path("from-environ")
    assert bootstrap.load(ini, Path("given"), {"LMS_DATA": "from-environ"}).path("lms.data") == Path("given")
    assert bootstrap.load(ini, None, {"LMS_NAME": "From environ"}).text("lms.name") == "From environ"


def test_it_knows_what_is_set_and_what_is_a_default(tmp_path: Path) -> None:
    ini = write(tmp_path / "a.ini", "lms.name = X\n")
    source = bootstrap.find_source(ini, None, {"LMS_LOCALE": "de"})

    assert [source.sets(name) for name in ("lms.name", "lms.locale", "lms.url")] == [True, True, False]


def test_a_section_reads_as_pserve_reads_it(tmp_path: Path) -> None:
    ini = write(tmp_path / "a.ini", "lms.data = %(here)s/data\nlms.url = http://host/100%%\nlms.name = a\n  b\n")

    theirs = dict(plaster.get_settings(str(ini), "app:main"))
    theirs.pop("use")

    ours = bootstrap.read_ini(ini)
    assert {name: ours[name] for name in theirs} == theirs
    assert ours["lms.data"] == f"{tmp_path}/data"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[other]\n", r"has no section \[app:main\]"),
        ("nonsense", "no section headers"),
        ("[app:main]\na = 1\na = 2\n", "'a' in section 'app:main' already exists"),
        ("[app:main]\na = 5%\n", "'%' must be followed by"),
        ("[app:main]\na = \udcff\n", "codec can't decode"),
    ],
)
def test_a_broken_file_is_one_line_that_names_it(tmp_path: Path, content: str, message: str) -> None:
    ini = tmp_path / "broken.ini"
    ini.write_bytes(content.encode(errors="surrogateescape"))

    with pytest.raises(SettingsError, match=message) as caught:
        bootstrap.read_ini(ini)

    assert str(caught.value).startswith(str(ini))
    assert "\n" not in str(caught.value)


def test_a_data_directory_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    settings = bootstrap.load(write(tmp_path / "a.ini"), tmp_path / "file" / "data", {})

    with pytest.raises(SettingsError, match=r"^lms\.data: cannot make .*file/data: "):
        bootstrap.make_data_folder(settings)


def test_a_data_directory_is_its_owners_alone(tmp_path: Path) -> None:
    settings = bootstrap.load(write(tmp_path / "a.ini"), tmp_path / "data", {})

    assert bootstrap.make_data_folder(settings).stat().st_mode & 0o777 == 0o700
