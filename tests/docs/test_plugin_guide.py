"""The plugin of docs/writing-a-plugin.md is installed from the page, and does what the page says."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "writing-a-plugin.md").read_text()
FILES = dict(re.findall(r"^```\w+\n# (\S+)\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE))
API = re.compile(r"^(?:from|import) (lms_\w+(?:\.\w+)*)", re.MULTILINE)

Run = Callable[..., str]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The plugin's project, as an author would have it; ``installed`` beside it is what pip made of it."""
    project = tmp_path_factory.mktemp("guide") / "acme-notes"
    for name, content in FILES.items():
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text(content)
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--no-build-isolation"]
    command = [*pip, "--disable-pip-version-check", "--target", project.with_name("installed"), project]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return project


@pytest.fixture
def run(project: Path) -> Run:
    """``run("lms", "plugin", "list")``: what a command prints where the plugin is installed."""

    def run(program: str, *arguments: str, **environ: str) -> str:
        kept = {name: os.environ[name] for name in ("HOME", "PATH", "TMPDIR", "LMS_TEST_DATABASE_URL")
                if name in os.environ}  # fmt: skip
        done = subprocess.run(
            [Path(sys.executable).with_name(program), *arguments], cwd=project, capture_output=True, text=True,
            env={**kept, "PYTHONPATH": str(project.with_name("installed")), "LMS_INI": str(ROOT / "development.ini"),
                 **environ},
            check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


def test_the_page_shows_every_file_it_draws() -> None:
    tree = re.search(r"^```\nacme-notes/\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    assert tree
    drawn = set(re.findall(r"[\w.]+\.(?:py|toml)", tree[1]))
    assert drawn == {Path(name).name for name in FILES}


def test_it_needs_nothing_of_the_core_but_the_plugin_api() -> None:
    for name, content in FILES.items():
        allowed = "lms_core.testing" if name.startswith("tests/") else "lms_core.plugin_api"
        assert {found for found in API.findall(content) if not found.startswith(allowed)} == set(), name


def test_its_own_tests_pass(run: Run) -> None:
    tests = len(re.findall(r"^def test_", FILES["tests/test_notes.py"], re.MULTILINE))
    assert f"{tests} passed" in run("pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist")


def test_its_commands_work_on_an_installation(run: Run, data_folder: Path) -> None:
    place = {"LMS_DATA": str(data_folder)}
    listed = run("lms", "plugin", "list", **place)
    assert "acme-notes (acme_notes.plugin)" in listed
    assert "notes" in run("lms", "--help", **place)
    assert "lms.notes.keep" in run("lms", "settings", **place)
    run("lms", "db", "upgrade", **place)
    run("lms", "db", "check", **place)
    assert "acme_notes_0001" in run("lms", "db", "current", **place)
    assert run("lms", "notes", "count", **place) == "0 notes\n"
    run("lms", "db", "downgrade", "acme_notes@base", "--yes", **place)
    assert "acme_notes_0001" not in run("lms", "db", "current", LMS_PLUGINS_DISABLED="notes", **place)
