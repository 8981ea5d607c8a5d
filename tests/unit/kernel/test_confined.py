"""Programs on a leash: what they answer, and what they are kept from."""

import os
import select
import sys
import textwrap
from contextlib import suppress
from pathlib import Path

import pytest

from lms_core.kernel.confined import ProgramError, run_confined


@pytest.fixture
def run(tmp_path: Path):
    def run(*command: str, seconds: float = 20, memory: int = 1 << 30, output: int = 1 << 20) -> bytes:
        return run_confined(command, folder=tmp_path, seconds=seconds, memory=memory, output=output)

    return run


@pytest.fixture
def python(run):
    return lambda code, **bounds: run(sys.executable, "-I", "-c", textwrap.dedent(code), **bounds)


def problem(call, *arguments, **bounds) -> str:
    with pytest.raises(ProgramError) as error:
        call(*arguments, **bounds)
    return error.value.problem


def test_what_it_writes_is_the_answer(run, tmp_path):
    assert run("echo", "$HOME; `id`") == b"$HOME; `id`\n"
    assert run("pwd").strip() == os.fsencode(tmp_path)


def test_why_there_is_no_answer(run, python):
    assert problem(run, "no-such-program-anywhere") == "tool_missing"
    assert problem(run, "false") == "unreadable"
    assert problem(run, "sleep", "60", seconds=0.2) == "too_complex"
    assert problem(run, "yes") == "too_complex"
    assert problem(python, "x = bytearray(1 << 30)", memory=256 << 20) == "unreadable"
    assert problem(python, "while True: pass", seconds=1) == "too_complex"


def test_no_file_grows_past_its_bound(python, tmp_path):
    problem(python, "open('large', 'wb').write(bytes(1 << 22))", output=1 << 20)
    assert (tmp_path / "large").stat().st_size <= 1 << 20


def test_it_sees_nothing_of_ours(python, monkeypatch):
    monkeypatch.setenv("LMS_SECRET_KEYS", "not for strangers")
    assert b"LMS" not in python("import os; print(sorted(os.environ))")
    with open(os.devnull) as ours:
        os.set_inheritable(ours.fileno(), True)
        assert python("import os; print([each for each in os.listdir('/proc/self/fd') if int(each) > 3])") == b"[]\n"
    assert python("import sys; print(repr(sys.stdin.read()))") == b"''\n"


def test_what_it_started_goes_with_it(python):
    started = """
        import subprocess, sys
        print(subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], stdout=subprocess.DEVNULL).pid)
    """
    child = int(python(started))
    with suppress(ProcessLookupError):  # Gone already.
        ended, _writable, _odd = select.select([os.pidfd_open(child)], [], [], 30)
        assert ended
