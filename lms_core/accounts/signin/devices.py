"""What a User-Agent says of a device, for people to recognise their sessions by."""

from typing import TypedDict

from ua_parser import parse

LONGEST = 512
"""Characters that are looked at: the rest is nobody's browser, and matching costs time."""

_TABLETS = ("ipad", "tablet", "kindle")
_PHONES = ("iphone", "ipod", "mobile", "phone")


class Device(TypedDict):
    """The columns of a session that describe its device; None where nothing is known."""

    device_name: str | None
    device_type: str | None
    browser: str | None
    browser_version: str | None
    os: str | None
    os_version: str | None


def describe_device(user_agent: str | None) -> Device:
    """``device_type`` is mobile, tablet or desktop."""
    text = (user_agent or "")[:LONGEST]
    found = parse(text)
    browser, system, device = found.user_agent, found.os, found.device
    names = [name for name in (browser and browser.family, system and system.family) if name]
    brand, family, model = (device.brand, device.family, device.model) if device else (None, None, None)
    return Device(
        device_name=(model if brand != "Spider" else None) or " / ".join(names) or None,
        device_type=_device_type(f"{text} {brand or ''} {family or ''}".lower()),
        browser=browser.family if browser else None,
        browser_version=_version(browser.major, browser.minor) if browser else None,
        os=system.family if system else None,
        os_version=_version(system.major, system.minor) if system else None,
    )


def _version(*parts: str | None) -> str | None:
    return ".".join(part for part in parts if part) or None


def _device_type(words: str) -> str | None:
    if not words.strip():
        return None
    if any(word in words for word in _TABLETS) or ("android" in words and "mobile" not in words):
        return "tablet"
    return "mobile" if any(word in words for word in _PHONES) else "desktop"
