"""How a message leaves the house: by SMTP, or as a file in the data directory."""

import datetime as dt
import os
import smtplib
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path
from types import MappingProxyType
from typing import Literal, Protocol, cast
from urllib.parse import parse_qs, unquote, urlsplit

import structlog

from lms_core.kernel.events import Delivery, Undeliverable
from lms_core.settings import Settings, SettingsError

Tls = Literal["starttls", "tls", "none"]
_PORTS: Mapping[Tls, int] = MappingProxyType({"starttls": 587, "tls": 465, "none": 25})


class MailTransport(Protocol):
    """Sends a message. A plugin may bring another: ``config.set_mail_transport(transport)``."""

    def send(self, message: EmailMessage, delivery: Delivery) -> None:
        """Raise Undeliverable where the message is refused for good, anything else where it is worth another try.

        Called inside the delivery's transaction, in a worker. The same event may be sent again after a crash.
        """


@dataclass(frozen=True, slots=True)
class SmtpTransport:
    host: str
    port: int
    tls: Tls
    user: str
    password: str = field(repr=False)
    timeout: float
    """Seconds for each answer of the server."""

    def send(self, message: EmailMessage, delivery: Delivery) -> None:
        # Not every server takes 8-bit text; the generator encodes what needs it.
        message.policy = message.policy.clone(cte_type="7bit")
        with self._connect() as server:
            try:
                server.send_message(message)
            except smtplib.SMTPRecipientsRefused as error:
                if all(_is_permanent(code) for code, _reason in error.recipients.values()):
                    raise Undeliverable(f"the mail server refused the receiver: {_reasons(error)}") from None
                raise
            except smtplib.SMTPDataError as error:
                if _is_permanent(error.smtp_code):
                    raise Undeliverable(f"the mail server refused the message: {error}") from None
                raise
            except smtplib.SMTPNotSupportedError as error:
                raise Undeliverable(f"the mail server cannot take such an address: {error}") from None

    def _connect(self) -> smtplib.SMTP:
        if self.tls == "tls":
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                self.host, self.port, timeout=self.timeout, context=ssl.create_default_context()
            )
        else:
            server = smtplib.SMTP(self.host, self.port, timeout=self.timeout)
        try:
            if self.tls == "starttls":
                server.starttls(context=ssl.create_default_context())
            if self.user:
                server.login(self.user, self.password)
        except BaseException:
            server.close()
            raise
        return server


def _is_permanent(code: int) -> bool:
    """RFC 5321: 5xx will not change by itself, 4xx may."""
    return 500 <= code < 600


def _reasons(error: smtplib.SMTPRecipientsRefused) -> str:
    return "; ".join(f"{code} {reason.decode(errors='replace')}" for code, reason in error.recipients.values())


@dataclass(frozen=True, slots=True)
class FileTransport:
    """One ``<time>-<event id>.eml`` a message; sending it again writes the same file again."""

    folder: Path

    def send(self, message: EmailMessage, delivery: Delivery) -> None:
        path = self.folder / f"{delivery.occurred_at.astimezone(dt.UTC):%Y%m%dT%H%M%S%fZ}-{delivery.event_id}.eml"
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = path.with_name(f".{path.name}.{os.getpid()}")
        draft.write_bytes(message.as_bytes(policy=message.policy.clone(linesep="\n")))
        draft.replace(path)
        structlog.get_logger("lms.mail").info(
            "mail_written", path=str(path), to=str(message["To"]), request_id=delivery.request_id
        )


def transport_from(settings: Settings) -> MailTransport:
    """The transport that ``lms.mail.url`` names. Raises SettingsError, without the URL's password."""
    url = settings.text("lms.mail.url")
    if url == "file:":
        return FileTransport(settings.data / "mail")
    try:
        parts = urlsplit(url)
        query = parse_qs(parts.query, strict_parsing=bool(parts.query))
        tls = cast(Tls, query.pop("tls", ["starttls"])[0])
        if parts.scheme != "smtp" or not parts.hostname or query or tls not in _PORTS or parts.path not in ("", "/"):
            raise ValueError
        port = parts.port or _PORTS[tls]
    except ValueError:
        forms = "file: nor smtp://user:password@host:port?tls=starttls|tls|none"
        raise SettingsError(f"lms.mail.url: neither {forms}") from None
    return SmtpTransport(
        host=parts.hostname,
        port=port,
        tls=tls,
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        timeout=settings.seconds("lms.mail.timeout"),
    )
