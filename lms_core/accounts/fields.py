"""Fields of the accounts' schemas: passwords, e-mail addresses, and what a profile says of a person."""

import datetime as dt
import re
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel import Locale
from marshmallow import ValidationError, fields, validate

from lms_core.accounts.passwords import MAX_LENGTH, normal_form
from lms_core.kernel.i18n import _
from lms_core.kernel.schemas import Text

EMAIL_LENGTH = 254
"""The longest address that SMTP can carry (RFC 5321)."""

_SIMPLE = re.compile(r"[^@\s\"]{1,64}@[a-z0-9.-]+\.([a-z]{2,}|xn--[a-z0-9-]+)")


class Password(fields.String):
    """A password in normal form; how strong it is, the service judges."""

    def __init__(self, *, example: str = "Quite-a-long-one-1", **kwargs: Any) -> None:
        shape = {"maxLength": MAX_LENGTH, "format": "password", "example": example}
        super().__init__(load_only=True, metadata=shape, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        password = normal_form(super()._deserialize(value, attr, data, **kwargs))
        if len(password) > MAX_LENGTH:
            raise ValidationError(_("Longer than ${max} characters.", mapping={"max": MAX_LENGTH}))
        if "\0" in password:
            raise ValidationError(_("Control characters are not allowed."))
        return password


def normal_address(text: str) -> str:
    """The address with its domain as DNS knows it: lower case, ASCII (IDNA). What is no address stays as it is."""
    local, at, domain = text.rpartition("@")
    try:
        return f"{local}{at}{domain.encode('idna').decode().lower()}"
    except UnicodeError:
        return text


class AccountName(Text):
    """The e-mail address that somebody says their account has: whether it is one, the look-up tells."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(min=1, max=EMAIL_LENGTH, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        return normal_address(super()._deserialize(value, attr, data, **kwargs))


class EmailAddress(AccountName):
    """A deliverable address: ``local@domain.tld`` in ASCII once the domain is in IDNA; no quoting, no spaces."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(metadata={"format": "email"}, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        address = super()._deserialize(value, attr, data, **kwargs)
        if len(address) > EMAIL_LENGTH or not (address.isascii() and _SIMPLE.fullmatch(address)):
            raise ValidationError(_("Not an e-mail address."))
        validate.Email(error=_("Not an e-mail address."))(address)
        return address


def check_phone(value: str) -> None:
    """Digits with the usual punctuation, 5 to 15 of them (E.164)."""
    if not re.fullmatch(r"\+?[0-9 ()./-]+", value) or not 5 <= sum(char.isdigit() for char in value) <= 15:
        raise ValidationError(_("Not a telephone number."))


def check_time_zone(value: str) -> None:
    """A name of the IANA database: ``Europe/Vienna``."""
    if not re.fullmatch(r"UTC|[A-Z][A-Za-z_]+(/[A-Za-z0-9_+-]+)+", value):
        raise ValidationError(_("Not a time zone such as Europe/Vienna."))
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValidationError(_("Not a time zone such as Europe/Vienna.")) from None


def check_language(value: str) -> None:
    """A language tag: ``de``, ``pt-BR`` (BCP 47)."""
    if not re.fullmatch(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*", value) or len(value) > 35:
        raise ValidationError(_("Not a language tag such as en or pt-BR."))


def check_country(value: str) -> None:
    """Two capital letters (ISO 3166-1)."""
    if not re.fullmatch(r"[A-Z]{2}", value) or value not in Locale("en").territories or value == "ZZ":
        raise ValidationError(_("Not a country code such as AT."))


def check_birthday(value: dt.date) -> None:
    """A day between 1900 and today."""
    if not dt.date(1900, 1, 1) <= value <= dt.datetime.now(dt.UTC).date():
        raise ValidationError(_("Not a date of birth."))
