"""E-mail addresses and the parts of a profile: what passes, and in which form."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from marshmallow import ValidationError

from lms_core.accounts import fields


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("ada@example.org", "ada@example.org"),
        ("  Ada.L+x@Example.ORG ", "Ada.L+x@example.org"),
        ("o'brien@example.org", "o'brien@example.org"),
        ("ada@bücher.example", "ada@xn--bcher-kva.example"),
        ("ada@sub.domain.example.museum", "ada@sub.domain.example.museum"),
    ],
)
def test_addresses_are_kept_in_one_spelling(given: str, kept: str) -> None:
    assert fields.EmailAddress().deserialize(given) == kept
    assert fields.AccountName().deserialize(given) == kept


@pytest.mark.parametrize(
    "text",
    [
        "", "ada", "@example.org", "ada@", "ada@localhost", "ada@@example.org", "a b@example.org", '"a b"@example.org',
        "ada@example..org", "ada@-example.org", "ä@example.org", "ada@example.org,eve@example.org", "a@[127.0.0.1]",
        "ada@example.org\r\nBcc: eve@example.org", "ada@exa mple.org", "a" * 65 + "@example.org",
        "a@" + "b" * 250 + ".org", "ada@example.org\x00", "<ada@example.org>",
    ],
)  # fmt: skip
def test_what_cannot_be_mailed_to_is_no_address(text: str) -> None:
    with pytest.raises(ValidationError):
        fields.EmailAddress().deserialize(text)


@pytest.mark.parametrize(
    ("check", "good", "bad"),
    [
        (fields.check_phone, ["+43 1 234567", "(01) 234-56/7", "555.1234"],
         ["", "1234", "+1" * 9, "12345x", "++12345"]),
        (fields.check_time_zone, ["UTC", "Europe/Vienna", "America/Argentina/Salta"],
         ["", "utc", "Europe", "Europe/Atlantis", "/etc/passwd", "Europe/../Europe/Vienna", "posixrules"]),
        (fields.check_language, ["en", "pt-BR", "zh-Hant-TW", "ast"], ["", "e", "EN", "english-", "en_GB", "a" * 36]),
        (fields.check_country, ["AT", "GB"], ["", "at", "AUT", "ZZ", "XX", "00"]),
        (fields.check_birthday, [dt.date(1990, 2, 28)], [dt.date(1899, 12, 31), dt.date(2999, 1, 1)]),
    ],
)  # fmt: skip
def test_parts_of_a_profile(check: Callable[[Any], None], good: list[Any], bad: list[Any]) -> None:
    for value in good:
        check(value)
    for value in bad:
        with pytest.raises(ValidationError):
            check(value)
