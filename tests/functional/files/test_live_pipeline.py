"""What becomes of an upload in the running product: worker, beat and a real scanner."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from lms_core.testing.live import Live
from lms_core.testing.scanners import EICAR

from .pictures import image, opened

FILES = "/api/v1/files"


@pytest.fixture(scope="module")
def live(make_live, clamd_url) -> Iterator[Live]:
    running = make_live(LMS_WEB_WORKERS="1", LMS_CLAMAV_URL=clamd_url).start()
    yield running
    running.close()


def eventually(look: Callable[[], Any], found: Callable[[Any], bool]) -> Any:
    """What is seen once it is as it should be, or after a minute."""
    deadline = time.monotonic() + 60
    while not found(seen := look()) and time.monotonic() < deadline:
        pass
    return seen


def send(person: httpx.Client, content: bytes, name: str) -> str:
    made = person.post(f"{FILES}?name={name}", content=content)
    assert made.json()["scanStatus"] == "pending"
    return f"{FILES}/{made.json()['id']}"


def test_an_image_is_scanned_and_drawn(live: Live) -> None:
    person = live.login()
    path = send(person, image(), "picture.jpg")
    file = eventually(lambda: person.get(path).json(), lambda seen: seen["thumbnailUrl"] is not None)
    assert (file["scanStatus"], file["thumbnailUrl"]) == ("clean", f"{path}/thumbnail")
    assert opened(person.get(file["thumbnailUrl"]).content).size == (400, 267)


def test_malware_is_locked_away_and_its_owner_told(live: Live) -> None:
    person = live.login()
    path = send(person, EICAR, "harmless.txt")
    told = eventually(
        lambda: person.get("/api/v1/notifications").json()["items"],
        lambda seen: any(each["type"] == "file_infected" for each in seen),
    )
    assert [each["data"]["fileName"] for each in told if each["type"] == "file_infected"] == ["harmless.txt"]
    assert person.get(path).json()["scanStatus"] == "infected"
    assert person.get(f"{path}/content").json()["code"] == "file_infected"


def test_an_avatar_is_there_at_once(live: Live) -> None:
    person = live.login()
    made = person.post("/api/v1/users/me/avatar", files={"file": ("me.jpg", image())})
    assert made.status_code == 201, made.text
    shown = live.http.get(made.json()["avatarUrl"])
    assert (shown.headers["Content-Type"], opened(shown.content).size) == ("image/jpeg", (200, 200))
    assert shown.headers["Cache-Control"].startswith("public")
