"""The two ini files that ship."""

import re
from pathlib import Path

import plaster
import pytest

from lms_core.cli import bootstrap
from lms_core.settings import SETTINGS, SettingsError

ROOT = Path(bootstrap.__file__).parents[2]
SECRETS = {
    "SQLALCHEMY_URL": "postgresql://lms:x@db/lms",
    "LMS_BROKER_URL": "amqp://lms:x@mq//",
    "LMS_JWT_KEYS": "k1:" + "x" * 32,
    "LMS_SECRET_KEYS": "y" * 32,
    "LMS_CERTIFICATES_KEYS": "c1:" + "z" * 32,
}


def test_development_needs_nothing() -> None:
    settings = bootstrap.load(ROOT / "development.ini", None, {})

    assert settings.text("sqlalchemy.url") == settings.text("lms.broker.url") == "embedded:"
    assert not settings.flag("lms.session.cookie_secure")


@pytest.mark.parametrize("missing", SECRETS)
def test_production_stops_at_a_missing_secret_and_names_its_variable(missing: str) -> None:
    environ = {name: value for name, value in SECRETS.items() if name != missing}

    with pytest.raises(SettingsError, match=f"required and not set .*{missing}"):
        bootstrap.load(ROOT / "production.ini", None, environ)


def test_production_starts_with_its_secrets_from_the_environment() -> None:
    settings = bootstrap.load(ROOT / "production.ini", None, SECRETS)

    assert settings.text("lms.jwt.keys") == SECRETS["LMS_JWT_KEYS"]
    assert settings.flag("lms.session.cookie_secure")
    assert settings.text("lms.log.format") == "json"
    assert settings.text("lms.opensearch.url") == ""
    assert (settings.text("lms.storage.backend"), settings.text("lms.s3.bucket")) == ("s3", "lms")


def test_production_searches_where_the_environment_says() -> None:
    url = "https://lms:x@search.example.org:9200"
    settings = bootstrap.load(ROOT / "production.ini", None, {**SECRETS, "LMS_OPENSEARCH_URL": url})
    assert settings.text("lms.opensearch.url") == url


def test_production_holds_no_password() -> None:
    section = bootstrap.read_ini(ROOT / "production.ini")

    assert not [value for value in section.values() if re.search(r"://[^/]*:[^/]*@", value)]
    assert not [setting.name for setting in SETTINGS if setting.required and section[setting.name]]
    assert not {"lms.s3.access_key", "lms.s3.secret_key"} & set(section)


@pytest.mark.parametrize("name", ["development.ini", "production.ini"])
def test_pserve_finds_an_application_and_a_server(name: str) -> None:
    loader = plaster.get_loader(str(ROOT / name), protocols=["wsgi"])

    assert {"app:main", "server:main"} <= set(loader.get_sections())
    assert loader.get_settings("app:main")["use"] == "egg:lms-core"
