"""The shipped pytest plugin: what a plugin's author finds in it, and what it leaves behind."""

import os
from pathlib import Path

import psycopg
import pytest

from lms_core.kernel import embedded
from lms_core.testing.database import Cleaner, Run, libpq
from lms_core.testing.services import SERVICES

INI = """
[pytest]
addopts = -p no:cacheprovider
"""


@pytest.fixture
def outside(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A project elsewhere, where no service is known."""
    for service in SERVICES.values():
        if service.variable:
            monkeypatch.delenv(service.variable, raising=False)
    for name in ("LMS_TEST_STRICT", "PYTEST_ADDOPTS"):
        monkeypatch.delenv(name, raising=False)
    pytester.makeini(INI)
    return pytester


@pytest.fixture
def programs(outside: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, the only one that is searched for programs."""
    folder = outside.mkdir("programs")
    monkeypatch.setenv("PATH", str(folder))
    return folder


WANTING = """
def test_broker(amqp_url): ...
def test_broker_too(amqp_url): ...
def test_both(amqp_url, redis_url): ...
def test_files(samples): assert samples.is_dir()
def test_none(): ...
"""

PARAMETERS = """
import pytest
@pytest.mark.parametrize("backend", ["local", pytest.param("s3", marks=pytest.mark.needs("s3"))])
def test_either(backend): pass
"""


def test_one_parameter_may_need_a_service(outside: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LMS_TEST_S3_URL", raising=False)
    outside.makepyfile(PARAMETERS)
    result = outside.runpytest_inprocess("--strict-markers")
    result.assert_outcomes(passed=1, deselected=1)
    result.stdout.fnmatch_lines(["1 test needs S3: set LMS_TEST_S3_URL"])
    monkeypatch.setenv("LMS_TEST_S3_URL", "http://127.0.0.1")
    outside.runpytest_inprocess().assert_outcomes(passed=2)


FILM = """
def test_film(ffmpeg): assert ffmpeg.endswith("ffmpeg")
"""


LEFT_OUT = [
    "*left out: no such service here*",
    "3 tests need RabbitMQ: set LMS_TEST_AMQP_URL",
    "1 test needs Redis: set LMS_TEST_REDIS_URL",
    "1 test needs foreign sample files: set LMS_TEST_SAMPLES",
]


@pytest.mark.usefixtures("programs")
def test_tests_without_their_service_are_left_out_and_named(outside: pytest.Pytester) -> None:
    outside.makepyfile(WANTING + FILM)
    result = outside.runpytest_inprocess()
    result.assert_outcomes(passed=1, deselected=5)
    result.stdout.fnmatch_lines(LEFT_OUT)
    result.stdout.fnmatch_lines(["1 test needs FFmpeg: install ffmpeg"])
    chosen = outside.runpytest_inprocess("-k", "none or files")
    chosen.stdout.fnmatch_lines(["1 test needs foreign sample files: set LMS_TEST_SAMPLES"])
    chosen.stdout.no_fnmatch_line("*RabbitMQ*")


def test_where_the_service_is_they_run(
    outside: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, programs: Path
) -> None:
    (programs / "ffmpeg").touch(0o755)
    monkeypatch.setenv("LMS_TEST_SAMPLES", str(outside.path))
    monkeypatch.setenv("LMS_TEST_AMQP_URL", "amqp://127.0.0.1//")
    monkeypatch.setenv("LMS_TEST_REDIS_URL", "redis://127.0.0.1/0")
    outside.makepyfile(WANTING + FILM)
    result = outside.runpytest_inprocess()
    result.assert_outcomes(passed=6)
    result.stdout.no_fnmatch_line("*left out*")


@pytest.mark.usefixtures("programs")
def test_where_all_must_run_a_missing_one_is_an_error(
    outside: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LMS_TEST_STRICT", "1")
    outside.makepyfile(WANTING + FILM)
    result = outside.runpytest_inprocess()
    result.assert_outcomes(passed=1, errors=5)
    result.stdout.fnmatch_lines(
        ["*RabbitMQ is needed: LMS_TEST_AMQP_URL is not set*", "*FFmpeg is needed: ffmpeg is not installed*"]
    )


COMMITTING = """
import pytest
from sqlalchemy import text

@pytest.mark.parametrize("number", range(4))
def test_commits(core, settings, number):
    with core.transaction() as db:
        assert db.scalar(text("SELECT count(*) FROM audit_logs")) == 0
        assert db.scalar(text("SELECT count(*) FROM groups WHERE name = 'student'")) == 1
        assert db.scalar(text("SELECT count(*) FROM permissions")) > 20
        db.execute(text("INSERT INTO audit_logs (action, resource_type) VALUES ('a', 'b')"))
        db.execute(text("UPDATE groups SET name = 'pupil' WHERE name = 'student'"))
        db.execute(text("DELETE FROM permissions"))
    assert not (settings.data / "left").exists()
    (settings.data / "left").write_text("x")

def test_statements(core, statements):
    with statements() as seen, core.transaction() as db, core.reader() as reader:
        db.execute(text("SELECT 1"))
        reader.execute(text("SELECT 2"))
    assert seen.texts == ["SELECT 1", "SELECT 2"]
    assert "SELECT 2" in repr(seen)

def test_asks(app):
    app.get("/api/v1/nowhere", status=404)

def test_empty(empty_database_url):
    import psycopg
    with psycopg.connect(empty_database_url) as connection:
        assert connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone() == (0,)

@pytest.fixture(scope="session")
def own_settings():
    return {"lms.name": "Academy"}

def test_own_settings(core):
    assert core.settings.text("lms.name") == "Academy"
"""


def test_a_run_with_workers(outside: pytest.Pytester, data_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What tests commit is gone for the next one, the summary is whole, and nothing stays behind."""
    monkeypatch.setenv("TMPDIR", str(data_folder))
    outside.makepyfile(test_committing=COMMITTING, test_wanting=WANTING)
    result = outside.runpytest_subprocess("-n", "2")
    result.assert_outcomes(passed=9)
    result.stdout.fnmatch_lines(LEFT_OUT)
    assert list((data_folder / f"lms-tests-{os.geteuid()}").iterdir()) == []


def test_what_a_killed_run_left_is_cleared_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    home = tmp_path / f"lms-tests-{os.geteuid()}"
    left, mine = home / "left", Run()
    left.mkdir(parents=True)
    (left / "alive").touch()
    other = Run()
    others = other.folder
    assert not left.exists()
    left.mkdir()
    assert mine.folder != others
    assert others.exists()
    assert left.exists()  # Just made, and not locked yet: it may be a run that begins.
    mine.close()
    other.close()
    assert list(home.iterdir()) == [left]


def test_cleaning_takes_tables_back_to_their_seeds(empty_database_url: str) -> None:
    url = libpq(empty_database_url)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "CREATE TABLE seeded (id int GENERATED ALWAYS AS IDENTITY, n int,"
            " twice int GENERATED ALWAYS AS (n * 2) STORED);"
            "CREATE TABLE child (n int); CREATE TABLE part (n int) PARTITION BY RANGE (n);"
            "CREATE TABLE part_1 PARTITION OF part FOR VALUES FROM (0) TO (10);"
            'CREATE TABLE "Odd ""name" (n int); INSERT INTO seeded (n) VALUES (1), (2)'
        )
        cleaner = Cleaner(empty_database_url)
        for change in (
            "UPDATE seeded SET n = 3 WHERE n = 1",
            "DELETE FROM seeded",
            "INSERT INTO seeded (n) VALUES (9)",
        ):
            connection.execute(change)
            connection.execute(
                'INSERT INTO part VALUES (1); INSERT INTO child VALUES (1); INSERT INTO "Odd ""name" VALUES (1)'
            )
            cleaner.clean()
            assert connection.execute("SELECT * FROM seeded ORDER BY id").fetchall() == [(1, 1, 2), (2, 2, 4)]
            for table in ("part", "child", '"Odd ""name"'):
                assert connection.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)
        cleaner.close()


def test_a_test_that_leaves_a_transaction_open_is_told(empty_database_url: str) -> None:
    with psycopg.connect(libpq(empty_database_url), autocommit=True) as connection:
        connection.execute("CREATE TABLE things (n int)")
    cleaner = Cleaner(empty_database_url)
    with psycopg.connect(libpq(empty_database_url)) as open_one:
        open_one.execute("LOCK TABLE things")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            cleaner.clean()
    cleaner.close()


def test_another_server_serves_as_well(
    outside: pytest.Pytester, data_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outside.makepyfile(COMMITTING)
    with embedded.server(data_folder, embedded.DISPOSABLE) as url:
        monkeypatch.setenv("LMS_TEST_DATABASE_URL", url)
        outside.runpytest_subprocess().assert_outcomes(passed=8)
        with psycopg.connect(url) as connection:
            left = connection.execute("SELECT datname FROM pg_database WHERE datname LIKE 'lms_test_%'").fetchall()
        assert left == []
