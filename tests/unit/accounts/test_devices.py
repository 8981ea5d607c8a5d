"""Devices by their User-Agent."""

import pytest

from lms_core.accounts.signin.devices import describe_device

WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0.0.0"


@pytest.mark.parametrize(
    ("agent", "kind", "browser", "system"),
    [
        (f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {WEBKIT} Safari/537.36", "desktop", "Chrome 124.0", "Windows 10"),
        (f"Mozilla/5.0 (Linux; Android 14; Pixel 8) {WEBKIT} Mobile Safari/537.36", "mobile", "Chrome Mobile 124.0",
         "Android 14"),
        (f"Mozilla/5.0 (Linux; Android 13; SM-X700) {WEBKIT} Safari/537.36", "tablet", "Chrome 124.0", "Android 13"),
        ("Mozilla/5.0 (iPad; CPU OS 16_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/16.6 "
         "Mobile/15E148 Safari/604.1", "tablet", "Mobile Safari 16.6", "iOS 16.6"),
        ("curl/8.5.0", "desktop", "curl 8.5", None),
        ("something unheard of", "desktop", None, None),
    ],
)  # fmt: skip
def test_common_devices(agent: str, kind: str, browser: str | None, system: str | None) -> None:
    device = describe_device(agent)
    assert device["device_type"] == kind
    assert " ".join(filter(None, (device["browser"], device["browser_version"]))) == (browser or "")
    assert " ".join(filter(None, (device["os"], device["os_version"]))) == (system or "")


@pytest.mark.parametrize("agent", [None, ""])
def test_nothing_is_known_of_who_sends_nothing(agent: str | None) -> None:
    assert set(describe_device(agent).values()) == {None}


def test_a_name_for_people() -> None:
    assert describe_device(f"Mozilla/5.0 (X11; Linux x86_64) {WEBKIT} Safari/537.36")["device_name"] == "Chrome / Linux"
    assert describe_device(f"Mozilla/5.0 (Linux; Android 14; Pixel 8) {WEBKIT}")["device_name"] == "Pixel 8"


def test_only_the_beginning_of_a_long_one_is_looked_at() -> None:
    assert describe_device("x" * 512 + " Chrome/124.0.0.0")["browser"] is None
