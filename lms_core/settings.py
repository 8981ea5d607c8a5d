"""Every ini key: its name, type, default and meaning, in one table; and the typed view of what is set.

A key is overridden by the environment under its name in capitals with underscores: ``lms.mail.url`` by
``LMS_MAIL_URL``. What is unknown, missing or ill-typed stops the start with one line that names the key.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

Type = Literal["text", "integer", "flag", "seconds", "words", "path", "rate"]


class SettingsError(Exception):
    """A settings file that cannot be used; the message is one line and names the key."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One ini key. ``default`` is written as it would stand in the file; durations are like ``15m`` or ``7d``."""

    name: str
    type: Type
    default: str
    meaning: str
    required: bool = False
    secret: bool = False
    bounds: tuple[int, int] | None = None
    """The least and the greatest number that makes sense, both included."""
    pattern: str = ""
    """What a text must look like, as a regular expression; empty values of optional keys pass."""

    @property
    def variable(self) -> str:
        """The environment variable that overrides the key."""
        return re.sub(r"[^A-Z0-9]", "_", self.name.upper())


SETTINGS: tuple[Setting, ...] = (
    Setting("sqlalchemy.url", "text", "", "PostgreSQL URL, or `embedded:` for the server in the wheel", required=True,
            pattern=r"embedded:|postgres(ql)?(\+psycopg)?://.+"),
    Setting("sqlalchemy.pool_size", "integer", "5", "Connections kept per process, for each of the two lanes"),
    Setting("lms.data", "path", "data", "Data directory: embedded services, files, generated secrets, mail"),
    Setting("lms.url", "text", "http://127.0.0.1:6543", "Public base URL, used in links sent by mail",
            pattern=r"https?://[^/\s]+(/\S*)?"),
    Setting("lms.name", "text", "LMS", "Name of the institution, shown in mail and in the authenticator app"),
    Setting("lms.locale", "text", "en", "Language of people who chose none"),
    Setting("lms.broker.url", "text", "", "amqp:// URL, or `embedded:` for queues in the data folder", required=True,
            pattern=r"embedded:|amqps?://.+"),
    Setting("lms.broker.confirm_timeout", "seconds", "5s", "How long a publish may wait for the broker's confirm"),
    Setting("lms.outbox.lease", "seconds", "60s", "A delivery without a ledger row is handed out again after this"),
    Setting("lms.outbox.attempts", "integer", "8", "Failures of one subscriber before an event is a dead letter"),
    Setting("lms.outbox.keep", "seconds", "7d", "How long finished events stay in the outbox"),
    Setting("lms.worker.concurrency", "integer", "2", "Task processes of one worker", bounds=(1, 1000)),
    Setting("lms.web.workers", "integer", "2", "Web processes", bounds=(1, 1000)),
    Setting("lms.web.threads", "integer", "16", "Threads of one web process; password hashing may hold half of them",
            bounds=(2, 1000)),
    Setting("lms.web.uploads", "integer", "16", "Bodies over lms.web.body_limit that one web process receives at once, "
            "each by a thread of its own", bounds=(1, 1000)),
    Setting("lms.web.body_timeout", "seconds", "15s", "Time in which a body, or each 64 KiB of it, must arrive"),
    Setting("lms.web.trusted_proxies", "integer", "0", "Proxies in front that append to X-Forwarded-For"),
    Setting("lms.web.body_limit", "integer", "1048576", "Largest JSON body, in bytes"),
    Setting("lms.jwt.keys", "text", "", "`kid:secret` words; the first signs, all verify; `generated:` makes one",
            required=True, secret=True),
    Setting("lms.jwt.access_ttl", "seconds", "15m", "Life of an access token"),
    Setting("lms.session.ttl", "seconds", "7d", "Life of a refresh token, from its last use"),
    Setting("lms.session.refresh_grace", "seconds", "10s", "How long after a refresh the replaced token ends nothing: "
            "two tabs may refresh at once"),
    Setting("lms.session.cookie_secure", "flag", "true", "Send cookies over HTTPS only"),
    Setting("lms.secret.keys", "text", "", "Words of 32 bytes and more for stored secrets; the first encrypts, "
            "all decrypt; `generated:` makes one", required=True, secret=True),
    Setting("lms.password.rounds", "integer", "12", "bcrypt cost: 12 is about 0.25 s", bounds=(4, 31)),
    Setting("lms.password.lane", "integer", "1", "Passwords one process hashes at once; the others wait their turn",
            bounds=(1, 1000)),
    Setting("lms.auth.email_domains", "words", "", "Only these e-mail domains may register; empty allows all"),
    Setting("lms.auth.max_failures", "integer", "5", "Wrong passwords in a row that lock an account", bounds=(1, 1000)),
    Setting("lms.auth.lock_time", "seconds", "30m", "How long a locked account stays locked"),
    Setting("lms.auth.verify_ttl", "seconds", "2d", "Life of an e-mail verification link"),
    Setting("lms.auth.reset_ttl", "seconds", "1h", "Life of a password reset link"),
    Setting("lms.auth.challenge_ttl", "seconds", "5m", "Time to answer the two-factor challenge"),
    Setting("lms.mail.url", "text", "file:", "smtp://user:password@host:port?tls=starttls|tls|none, or `file:` for "
            "one .eml a message in the data directory", secret=True),
    Setting("lms.mail.from", "text", "LMS <no-reply@localhost>", "Sender of the mail"),
    Setting("lms.mail.timeout", "seconds", "20s", "How long the mail server may take"),
    Setting("lms.storage.backend", "text", "local", "Name of the storage backend that new files go to"),
    Setting("lms.storage.orphan_age", "seconds", "1d", "Age at which an object that no file names may be removed",
            bounds=(3600, 31_536_000)),
    Setting("lms.files.url_ttl", "seconds", "5m", "Life of an address that hands out a file without a token",
            bounds=(1, 604_800)),
    Setting("lms.files.max_bytes", "integer", "2147483648", "Largest file that may be uploaded"),
    Setting("lms.files.quota", "integer", "5368709120", "Bytes that one person's files may take; 0 sets no limit"),
    Setting("lms.files.teacher_quota", "integer", "53687091200", "The same for those who may create courses"),
    Setting("lms.files.upload_ttl", "seconds", "2d", "Time to finish a resumable upload, from its beginning"),
    Setting("lms.files.keep_deleted", "seconds", "30d", "How long the bytes of a deleted file are kept"),
    Setting("lms.images.max_pixels", "integer", "32000000", "Most pixels of an image that a thumbnail is drawn from, "
            "at up to 16 bytes of memory each; four times as many of a JPEG, half as many for an avatar",
            bounds=(1, 500_000_000)),
    Setting("lms.opensearch.url", "text", "", "OpenSearch as https://user:password@host:port, `?verify=false` for a "
            "certificate it made itself; empty leaves searching to PostgreSQL", secret=True, pattern=r"https?://.+"),
    Setting("lms.import.total_bytes", "integer", "2147483648", "Largest course archive once unpacked"),
    Setting("lms.import.file_bytes", "integer", "536870912", "Largest single file of a course archive"),
    Setting("lms.import.entries", "integer", "20000", "Most entries of a course archive"),
    Setting("lms.export.keep", "seconds", "1d", "How long an exported course waits for its download, and the report of "
            "an import to be read", bounds=(60, 31_536_000)),
    Setting("lms.content.process_bytes", "integer", "4294967296", "Largest file of a lesson that is looked into, for "
            "pages, length and a still"),
    Setting("lms.courses.categories", "words", "", "Categories a course may take, comma-separated; empty allows any"),
    Setting("lms.courses.limit", "integer", "100", "Courses one instructor may own; 0 sets no limit"),
    Setting("lms.progress.longest_beat", "integer", "300", "Seconds that one heartbeat of a student can count at most",
            bounds=(10, 86_400)),
    Setting("lms.ratings.min_progress", "integer", "0", "Percentage of a course that somebody must have completed to "
            "rate it", bounds=(0, 100)),
    Setting("lms.certificates.keys", "text", "", "`name:secret` words; the first signs certificates, all verify; "
            "`name:z6Mk...`, a public key, verifies alone; `generated:` makes one", required=True, secret=True),
    Setting("lms.certificates.template", "text", "", "Folder of the institution's own template of certificates, with "
            "`certificate.typ` in it; empty takes ours"),
    Setting("lms.payments.hold", "seconds", "1h", "How long a place is kept for who is about to pay, and a checkout "
            "can be paid", bounds=(2100, 86_400)),
    Setting("lms.payments.success_url", "text", "/courses/{courseId}?payment={paymentId}", "Page of the site, or URL, "
            "that people come back to when they have paid", pattern=r"(/|https?://).*"),
    Setting("lms.payments.cancel_url", "text", "/courses/{courseId}?payment={paymentId}", "The same for those who have "
            "turned back", pattern=r"(/|https?://).*"),
    Setting("lms.waiting_list.offer", "seconds", "1d", "How long a place is kept for who has waited for it "
            "and has to pay", bounds=(3600, 2_592_000)),
    Setting("lms.invitations.ttl", "seconds", "14d", "How long an invitation to a course can be accepted",
            bounds=(3600, 15_552_000)),
    Setting("lms.payments.keep_events", "seconds", "90d", "How long it is kept what gateways have told, by which what "
            "they repeat is known", bounds=(2_592_000, 315_360_000)),
    Setting("lms.ratelimit.enabled", "flag", "true", "Limit requests by address and account"),
    Setting("lms.ratelimit.storage", "text", "memory://", "memory:// (each process) or redis:// (shared)", secret=True),
    Setting("lms.ratelimit.auth_address", "rate", "60/minute", "Authentication requests from one address"),
    Setting("lms.ratelimit.certificates_address", "rate", "60/minute", "Certificates verified from one address"),
    Setting("lms.ratelimit.calendar_address", "rate", "60/minute", "Addresses of calendars tried in vain from one "
            "address"),
    Setting("lms.ratelimit.calendar_account", "rate", "120/hour", "How often one person's calendar is read"),
    Setting("lms.ratelimit.login_account", "rate", "20/minute", "Attempts to sign in to one account"),
    Setting("lms.ratelimit.access_code_account", "rate", "10/minute", "Access codes of courses that one account tries"),
    Setting("lms.ratelimit.access_code_address", "rate", "60/minute", "Access codes that are tried from one address"),
    Setting("lms.ratelimit.register_account", "rate", "20/hour", "Attempts to register one e-mail address"),
    Setting("lms.ratelimit.reset_account", "rate", "5/hour", "Mails with a link to set one account's password"),
    Setting("lms.ratelimit.verification_account", "rate", "5/hour", "Mails with another link to verify one account"),
    Setting("lms.ratelimit.roster_account", "rate", "60/hour", "Lists of people that one account enrolls"),
    Setting("lms.ratelimit.message_account", "rate", "20/hour", "Messages to many students that one account sends"),
    Setting("lms.ratelimit.inviting_account", "rate", "60/hour", "Lists of addresses that one account invites"),
    Setting("lms.ratelimit.invitation_account", "rate", "20/day", "Invitations that are mailed to one address"),
    Setting("lms.ratelimit.invitation_address", "rate", "60/minute", "Links of invitations tried from one address"),
    Setting("lms.ratelimit.voucher_address", "rate", "200/hour", "Vouchers that are tried from one address"),
    Setting("lms.ratelimit.voucher_account", "rate", "20/hour", "Vouchers that one account tries"),
    Setting("lms.cors.origins", "words", "", "Origins that may call the API from a browser"),
    Setting("lms.metrics.token", "text", "", "Bearer token that may read /metrics; without one only this machine may",
            secret=True),
    Setting("lms.log.level", "text", "info", "debug, info, warning or error"),
    Setting("lms.log.format", "text", "json", "json or console"),
    Setting("lms.log.requests", "flag", "true", "Write a row of system_logs for each request"),
    Setting("lms.log.keep_months", "integer", "6", "Months of system_logs that are kept"),
    Setting("lms.analytics.keep_months", "integer", "24", "Months of analytics_events that are kept"),
    Setting("lms.idempotency.keep", "seconds", "1d", "How long a repeated Idempotency-Key gets the first answer"),
    Setting("lms.plugins.disabled", "words", "", "Installed plugins that are switched off, by name"),
)  # fmt: skip

EMBEDDED = "embedded:"
"""Instead of a URL: the service that comes with the installation, in the data directory."""

_FOREIGN = frozenset({"here", "__file__"})
"""Keys that PasteDeploy adds by itself."""

_OTHER_VARIABLES = re.compile(r"LMS_(?:INI|SUPERVISED|ADMIN_.*|TEST_.*)")
"""What is read from the environment and is no setting."""

_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}


def parse_seconds(text: str) -> float:
    """``15m`` -> 900.0. Units: ms, s, m, h, d; a bare number is seconds. Raises ValueError."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)?", text.strip())
    if not found:
        raise ValueError("not a duration such as 30s, 15m or 7d")
    return float(found[1]) * _UNITS[found[2] or "s"]


_FLAGS: Mapping[str, bool] = {
    **dict.fromkeys(("true", "yes", "on", "1"), True),
    **dict.fromkeys(("false", "no", "off", "0"), False),
}


def _parse_flag(text: str) -> bool:
    try:
        return _FLAGS[text.strip().lower()]
    except KeyError:
        raise ValueError("not true or false") from None


def _parse_integer(text: str) -> int:
    if not re.fullmatch(r"\d+", text.strip()):
        raise ValueError("not a whole number")
    return int(text)


def _parse_rate(text: str) -> str:
    if not re.fullmatch(r"\d+\s*/\s*(second|minute|hour|day)", text.strip()):
        raise ValueError("not a rate such as 10/minute")
    return text.strip()


_PARSERS: Mapping[Type, Callable[[str], Any]] = {
    "text": str.strip,
    "integer": _parse_integer,
    "flag": _parse_flag,
    "seconds": parse_seconds,
    "words": lambda text: tuple(word for word in re.split(r"[,\n]\s*|\s{2,}", text.strip()) if word),
    "path": lambda text: Path(text.strip()).expanduser(),
    "rate": _parse_rate,
}


class Settings:
    """The parsed values, read by name and type; immutable."""

    def __init__(self, values: Mapping[str, Any], table: Iterable[Setting]) -> None:
        self._values = dict(values)
        self.table = tuple(table)

    def _get(self, name: str, kind: type) -> Any:
        value = self._values[name]
        if not isinstance(value, kind):
            raise TypeError(f"{name} is a {type(value).__name__}, not a {kind.__name__}")
        return value

    def text(self, name: str) -> str:
        return str(self._get(name, str))

    def integer(self, name: str) -> int:
        return int(self._get(name, int))

    def flag(self, name: str) -> bool:
        return bool(self._get(name, bool))

    def seconds(self, name: str) -> float:
        return float(self._get(name, float))

    def words(self, name: str) -> tuple[str, ...]:
        return tuple(self._get(name, tuple))

    def path(self, name: str) -> Path:
        path: Path = self._get(name, Path)
        return path

    @property
    def data(self) -> Path:
        """The data directory, absolute."""
        return self.path("lms.data").absolute()

    def replace(self, **changes: Any) -> "Settings":
        """A copy with other parsed values; dots in names are written as double underscores."""
        named = {name.replace("__", "."): value for name, value in changes.items()}
        return Settings({**self._values, **named}, self.table)

    def as_environ(self) -> dict[str, str]:
        """Every value as its environment variable, for a child process that shall see exactly the same."""
        return {setting.variable: _written(self._values[setting.name]) for setting in self.table}

    def items(self) -> Iterable[tuple[Setting, Any]]:
        """Each key with its value, secrets included: for whoever prints it to hide them."""
        return ((setting, self._values[setting.name]) for setting in self.table)


def _written(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return ", ".join(value)
    return f"{value!r}s" if isinstance(value, float) else str(value)


def load_settings(raw: Mapping[str, str], environ: Mapping[str, str], extra: Iterable[Setting] = ()) -> Settings:
    """The settings in ``raw`` (an ini section) with the environment's overrides; ``extra`` are the plugins' keys.

    Raises :class:`SettingsError` with one line that names the key at fault.
    """
    table = (*SETTINGS, *extra)
    names = [setting.name for setting in table]
    for name in names:
        if names.count(name) > 1:
            raise SettingsError(f"{name}: declared twice; a plugin must choose a key of its own")
    for name in raw:
        if name not in names and name not in _FOREIGN and not name.startswith("pyramid."):
            raise SettingsError(f"{name}: unknown setting; `lms settings` lists them all")
    return Settings({setting.name: _value(setting, raw, environ) for setting in table}, table)


def unknown_variables(table: Iterable[Setting], environ: Mapping[str, str]) -> list[str]:
    """Variables that look like settings and are none: misspelt most often, or a key of a plugin that is not here."""
    known = {setting.variable for setting in table}
    return sorted(
        name
        for name in environ
        if name.startswith("LMS_") and name not in known and not _OTHER_VARIABLES.fullmatch(name)
    )


def _check(setting: Setting, value: Any) -> None:
    if setting.bounds and not setting.bounds[0] <= value <= setting.bounds[1]:
        raise ValueError(f"not between {setting.bounds[0]} and {setting.bounds[1]}")
    if setting.pattern and value and not re.fullmatch(setting.pattern, value):
        raise ValueError("not in the form that this key needs; `lms settings` says which")


def read_setting(name: str, raw: Mapping[str, str], environ: Mapping[str, str]) -> Any:
    """One key of the core by itself, for what must be known before the plugins add theirs."""
    return _value(next(setting for setting in SETTINGS if setting.name == name), raw, environ)


def _value(setting: Setting, raw: Mapping[str, str], environ: Mapping[str, str]) -> Any:
    text = environ.get(setting.variable, raw.get(setting.name, setting.default))
    if setting.required and not text.strip():
        raise SettingsError(f"{setting.name}: required and not set (in the ini file, or as {setting.variable})")
    try:
        value = _PARSERS[setting.type](text)
        _check(setting, value)
        return value
    except ValueError as error:
        raise SettingsError(f"{setting.name}: {error}") from None
