"""The product as its first user meets it: real processes, an imported course, learned to its end over HTTP."""

import email
import email.policy
import os
import re
import signal
import subprocess
import sys
import time
from email.message import EmailMessage
from pathlib import Path

import httpx
import pytest

from lms_core.testing.cartridges import write_cartridge
from lms_core.testing.live import ADMIN_EMAIL, Live

PASSWORD = "Quite-a-long-one-7"
PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c6360000002000001000502fb8d2d750000000049454e44ae426082"
)


@pytest.fixture
def cartridge(tmp_path: Path) -> Path:
    wheat = '<p onclick="x()">Wheat</p><img src="grain.png" alt="A grain"><script>1</script>'
    modules = {
        "Grain": {"Wheat": wheat, "A mill": "https://example.org/mill"},
        "Loaf": {"Sourdough": "<h2>Sourdough</h2><p>Flour, water, time.</p>"},
    }
    return write_cartridge(tmp_path / "bread.imscc", "Bread and its history", modules, {"grain.png": PIXEL})


def _mail(live: Live, to: str, words: str) -> EmailMessage:
    """The mail to somebody that has these words; it comes through worker and outbox, so it is waited for."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        for path in sorted((live.data / "mail").glob("*.eml")):
            message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
            if to in message["To"] and words in message["Subject"] + message.get_body(("plain",)).get_content():
                return message
        time.sleep(0.2)
    raise AssertionError(f"no mail to {to} says {words!r}: {list((live.data / 'mail').glob('*'))}")


def _import(live: Live, cartridge: Path) -> str:
    command = ["course", "import", str(cartridge), "--instructor", ADMIN_EMAIL, "--publish", "--data", str(live.data)]
    done = subprocess.run([sys.executable, "-m", "lms_core.cli", *command], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _register_and_verify(live: Live, address: str) -> httpx.Client:
    person = {"email": address, "password": PASSWORD, "firstName": "Robin", "lastName": "Reed"}
    assert live.http.post("/api/v1/auth/register", json=person).status_code == 201
    early = live.http.post("/api/v1/auth/login", json={"email": address, "password": PASSWORD})
    assert (early.status_code, early.json()["code"]) == (403, "email_not_verified")
    text = _mail(live, address, "token=").get_body(("plain",)).get_content()
    token = re.search(r"token=([\w-]+)", text)[1]
    assert live.http.post("/api/v1/auth/verify-email", json={"token": token}).is_success
    return live.login(address, PASSWORD)


def _notifications(client: httpx.Client, kind: str) -> list[dict]:
    return [each for each in client.get("/api/v1/notifications").json()["items"] if each["type"] == kind]


def test_a_student_finishes_an_imported_course(live: Live, cartridge: Path):
    assert "Bread and its history" in _import(live, cartridge)
    student = _register_and_verify(live, "robin@example.org")

    [card] = student.get("/api/v1/courses", params={"search": "bread"}).json()["items"]
    enrolled = student.post("/api/v1/enrollments", json={"courseId": card["id"]})
    assert enrolled.status_code == 201
    modules = student.get(f"/api/v1/courses/{card['id']}/modules").json()["items"]
    lessons = [lesson for module in modules for lesson in module["lessons"]]
    assert [lesson["title"] for lesson in lessons] == ["Wheat", "A mill", "Sourdough"]

    wheat = student.get(f"/api/v1/lessons/{lessons[0]['id']}").json()
    assert "<script" not in wheat["content"]["html"]
    assert "onclick" not in wheat["content"]["html"]
    picture = re.search(r'src="([^"]+)"', wheat["content"]["html"])[1]
    assert student.get(picture).content == PIXEL
    assert live.http.get(picture).status_code in (401, 404)

    for lesson in lessons:
        assert student.post(f"/api/v1/lessons/{lesson['id']}/start").status_code == 200
        state = student.post(f"/api/v1/lessons/{lesson['id']}/complete").json()
    assert (state["progressPercentage"], state["courseCompleted"]) == (100, True)
    [mine] = student.get("/api/v1/users/me/courses").json()["items"]
    assert (mine["status"], mine["progressPercentage"]) == ("completed", 100)

    _mail(live, "robin@example.org", "You have completed Bread and its history")
    assert len(_notifications(student, "course_completed")) == 1


def _outcome(client: httpx.Client, asked: httpx.Response) -> dict:
    """What becomes of a job that a worker does."""
    assert asked.status_code == 202, asked.text
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        job = client.get(asked.headers["Location"]).json()
        if job["status"] in ("done", "failed"):
            return job
        time.sleep(0.2)
    raise AssertionError(f"nobody did {job}")


def test_a_course_leaves_and_comes_back(live: Live, cartridge: Path):
    admin = live.login()
    course_id = re.search(r"Course (\S+) ", _import(live, cartridge))[1]

    exported = _outcome(admin, admin.post(f"/api/v1/courses/{course_id}/exports", json={}))
    data = admin.get(f"/api/v1/exports/{exported['id']}/content").content
    file = admin.post("/api/v1/files", content=data, headers={"Content-Type": "application/octet-stream"}).json()
    imported = _outcome(admin, admin.post("/api/v1/courses/import", json={"fileId": file["id"]}))

    assert [imported[what] for what in ("status", "modules", "lessons", "files")] == ["done", 2, 3, 1]
    titles = [
        module["title"] for module in admin.get(f"/api/v1/courses/{imported['courseId']}/modules").json()["items"]
    ]
    assert titles == ["Grain", "Loaf"]


def _counted(live: Live) -> float:
    page = live.http.get("/metrics").text
    return sum(map(float, re.findall(r"^lms_requests_total\{.*CourseCollection.*\} (\S+)$", page, re.MULTILINE)))


def test_every_web_process_counts_into_one_page_of_metrics(live: Live):
    before = _counted(live)
    for _request in range(20):
        live.http.get("/api/v1/courses")
    assert _counted(live) == before + 20


def test_a_location_is_below_the_public_url_whatever_host_was_asked_for(live: Live):
    course = {"code": "A", "title": "A"}
    made = live.login().post("/api/v1/courses", json=course, headers={"Host": "evil.example"})
    assert made.headers["Location"].startswith(f"{live.url}/api/v1/courses/")


def test_requests_that_fail_are_answered_as_what_they_are(live: Live):
    for path, status in (
        ("/api/v1/users/me", 401),
        ("/api/v1/users/me/courses", 401),
        ("/api/v1/courses/no-such-slug", 404),
        ("/api/v1/users/me/nope", 404),
    ):
        answer = httpx.get(live.url + path)
        assert (path, answer.status_code, answer.headers["Content-Type"]) == (path, status, "application/problem+json")


def test_readers_are_served_again_after_the_database_restarted(live: Live):
    reader = live.login()
    assert [reader.get("/api/v1/courses").status_code for _request in range(8)] == [200] * 8
    postmaster = int((live.data / "postgres" / "postmaster.pid").read_text().split()[0])
    os.kill(postmaster, signal.SIGKILL)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        time.sleep(0.5)
        if live.http.get("/health/ready").status_code == 200:
            break
    assert [reader.get("/api/v1/users/me").status_code for _request in range(12)] == [200] * 12
    assert [reader.get("/api/v1/courses").status_code for _request in range(12)] == [200] * 12
    course = {"code": "AFTER", "title": "After the storm"}
    assert reader.post("/api/v1/courses", json=course).status_code == 201
