"""The product as an operator runs it: ``lms up`` in processes of its own, spoken to over HTTP."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

import httpx
import psutil

ADMIN_EMAIL = "admin@example.org"
ADMIN_PASSWORD = "Correct-horse-battery-staple-1"  # noqa: S105  # Of installations that live as long as a test.

_LISTENING = re.compile(r"^Listening on: (\S+)$", re.MULTILINE)
_START_LIMIT, _STOP_LIMIT, _ANSWER_LIMIT = 120.0, 60.0, 30.0
_INHERITED = ("HOME", "LANG", "PATH", "PYTHONPATH", "TMPDIR", "VIRTUAL_ENV")


class Live:
    """A running installation. ``environ`` holds settings (``LMS_WEB_WORKERS``) beside the defaults."""

    def __init__(self, data: Path, environ: Mapping[str, str] | None = None) -> None:
        self.data = data
        self.output = data.with_name(f"{data.name}.log")
        """What it and its processes wrote."""
        self._environ = {
            **{name: os.environ[name] for name in _INHERITED if name in os.environ},
            "LMS_ADMIN_EMAIL": ADMIN_EMAIL,
            "LMS_ADMIN_PASSWORD": ADMIN_PASSWORD,
            **(environ or {}),
        }
        self._process: subprocess.Popen[bytes] | None = None
        self.url = ""
        self._clients = ExitStack()
        self.http = self._clients.enter_context(httpx.Client(timeout=_ANSWER_LIMIT))
        """A client of the server: ``live.http.get("/api/v1/courses")``."""

    def start(self) -> "Live":
        """Start, and return once ``/health/ready`` says 200. Fails with the output where it does not come up."""
        begin = self.output.stat().st_size if self.output.exists() else 0
        command = (sys.executable, "-m", "lms_core.cli", "up", "--port", "0", "--data", str(self.data))
        with open(self.output, "ab") as output:
            self._process = subprocess.Popen(command, stdout=output, stderr=output, env=self._environ)
        deadline = time.monotonic() + _START_LIMIT
        while time.monotonic() < deadline and self._process.poll() is None:
            found = _LISTENING.search(self.output.read_bytes()[begin:].decode(errors="replace"))
            if found:
                self.url = found[1]
                self.http.base_url = httpx.URL(self.url)
                if self.http.get("/health/ready").status_code == 200:
                    return self
            time.sleep(0.05)
        self.stop()
        raise AssertionError(f"lms up did not come up:\n{self.output.read_text(errors='replace')[-8000:]}")

    def login(self, email: str = ADMIN_EMAIL, password: str = ADMIN_PASSWORD) -> httpx.Client:
        """A client that sends the access token of this person, by default the administrator."""
        # Not with self.http, which would keep the cookies and be nobody no more.
        signing_in = {"email": email, "password": password}
        answer = httpx.post(f"{self.url}/api/v1/auth/login", json=signing_in, timeout=_ANSWER_LIMIT)
        answer.raise_for_status()
        headers = {"Authorization": f"Bearer {answer.json()['accessToken']}"}
        return self._clients.enter_context(httpx.Client(base_url=self.url, headers=headers, timeout=_ANSWER_LIMIT))

    def processes(self) -> list[psutil.Process]:
        """Every process that it started, and their children."""
        return psutil.Process(self._process.pid).children(recursive=True) if self._process else []

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        """End it by a signal, SIGKILL included; returns its exit code. Does nothing where it has ended."""
        if self._process is None:
            return 0
        if self._process.poll() is None:
            self._process.send_signal(how)
        try:
            return self._process.wait(_STOP_LIMIT)
        except subprocess.TimeoutExpired:
            for process in self.processes():
                process.kill()
            self._process.kill()
            raise

    def close(self) -> None:
        """End it for good."""
        self._clients.close()
        self.stop()
