"""Passwords, access tokens, CSRF tokens, opaque tokens, and the encryption of stored secrets."""

import base64
import datetime as dt
import hashlib
import hmac
import os
import re
import secrets
import threading
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import jwt
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from passlib.hash import bcrypt_sha256

from lms_core.kernel.errors import Unauthorized, Unavailable
from lms_core.kernel.i18n import _
from lms_core.settings import Settings, SettingsError

GENERATED = "generated:"
_NAMED = ("lms.jwt.keys", "lms.certificates.keys")
"""Settings whose keys have names."""


def new_token() -> str:
    """A random URL-safe token of 256 bits, to be sent to a person and stored only as :func:`hash_token`."""
    return secrets.token_urlsafe(32)


def hash_token(token: str) -> str:
    """SHA-256 in hex: enough for random tokens of 256 bits, which nobody can guess from a fast hash."""
    return hashlib.sha256(token.encode()).hexdigest()


class Passwords:
    """bcrypt over SHA-256 (no 72-byte limit), in a lane of bounded width.

    A hash takes a quarter of a second of one core. ``lane`` of them run at once in a process, as many again wait;
    beyond that callers hear :class:`Unavailable` at once, so that a class logging in together cannot take every
    thread and starve those who are already reading.
    """

    def __init__(self, rounds: int, lane: int, waiting: int) -> None:
        self._scheme: Any = bcrypt_sha256.using(rounds=rounds)
        self._lane = threading.BoundedSemaphore(max(1, lane))
        self._places = threading.BoundedSemaphore(max(1, lane) + max(0, waiting))
        self._dummy = self._scheme.hash(secrets.token_hex(16))

    def hash(self, password: str) -> str:
        return str(self._run(lambda: self._scheme.hash(password)))

    def verify(self, password: str, stored: str | None) -> bool:
        """Whether the password fits; without a stored hash it takes as long and says no."""
        fits = bool(self._run(lambda: self._scheme.verify(password, stored or self._dummy)))
        return fits and stored is not None

    def needs_rehash(self, stored: str) -> bool:
        """Whether the hash was made with another cost than is configured now."""
        return bool(self._scheme.needs_update(stored))

    def _run(self, work: Callable[[], Any]) -> Any:
        if not self._places.acquire(blocking=False):
            raise Unavailable("busy", _("Many people are signing in; try again in a moment."), retry_after=1)
        try:
            with self._lane:
                return work()
        finally:
            self._places.release()


@dataclass(frozen=True, slots=True)
class AccessClaims:
    user_id: uuid.UUID
    session_id: uuid.UUID


class AccessTokens:
    """JWTs (RFC 7519, HS256) that name a user and a session; what they may do is read at each request.

    Every token carries the ``kid`` of its key. The first key signs and all verify, so a key is rotated by putting
    a new one in front and removing the old one a token's life later.
    """

    def __init__(self, keys: Mapping[str, str], ttl: float, clock: Callable[[], dt.datetime]) -> None:
        self._keys = dict(keys)
        self._signing = next(iter(self._keys))
        self._clock = clock
        # A signature once found good stays good, and finding it so costs as much as a query.
        self._decoded = lru_cache(maxsize=4096)(self._decode)
        self.ttl = int(ttl)

    def issue(self, user_id: uuid.UUID, session_id: uuid.UUID) -> str:
        return self.sign("access", {"sub": str(user_id), "sid": str(session_id)}, self.ttl)

    def read(self, token: str) -> AccessClaims:
        """The claims of a valid token. Raises :class:`Unauthorized` (``token_expired``, ``token_invalid``)."""
        claims = self.verify("access", token)
        try:
            return AccessClaims(uuid.UUID(claims["sub"]), uuid.UUID(claims["sid"]))
        except (KeyError, ValueError, TypeError, AttributeError):
            raise Unauthorized("token_invalid", _("The token is not valid.")) from None

    def sign(self, purpose: str, claims: Mapping[str, Any], ttl: float) -> str:
        """A signed token for one purpose (``aud``) and ``ttl`` seconds."""
        now = int(self._clock().timestamp())
        payload = {**claims, "aud": purpose, "iat": now, "exp": now + int(ttl)}
        return jwt.encode(payload, self._keys[self._signing], algorithm="HS256", headers={"kid": self._signing})

    def verify(self, purpose: str, token: str) -> Mapping[str, Any]:
        """The claims of a token for this purpose. Raises as :meth:`read` does."""
        claims = self._decoded(purpose, token)
        if claims["exp"] <= self._clock().timestamp():
            raise Unauthorized("token_expired", _("The token has expired."))
        return claims

    def _decode(self, purpose: str, token: str) -> Mapping[str, Any]:
        options: Any = {"require": ["exp"], "verify_exp": False}
        try:
            key = self._keys[jwt.get_unverified_header(token)["kid"]]
            claims = jwt.decode(token, key, algorithms=["HS256"], audience=purpose, options=options)
            return MappingProxyType({**claims, "exp": int(claims["exp"])})
        except (jwt.PyJWTError, KeyError, TypeError, ValueError):
            raise Unauthorized("token_invalid", _("The token is not valid.")) from None


class Cipher:
    """Encrypts what must be read again (TOTP secrets, the tokens in a waiting mail) with rotatable keys."""

    def __init__(self, keys: tuple[str, ...]) -> None:
        self._fernet = MultiFernet([Fernet(_fernet_key(key)) for key in keys])

    def seal(self, text: str) -> str:
        return self._fernet.encrypt(text.encode()).decode()

    def open(self, sealed: str) -> str:
        """Raises ValueError where no key fits."""
        try:
            return self._fernet.decrypt(sealed.encode()).decode()
        except InvalidToken:
            raise ValueError("sealed with a key that is not configured (lms.secret.keys)") from None


def _fernet_key(key: str) -> bytes:
    return base64.urlsafe_b64encode(hashlib.blake2b(key.encode(), digest_size=32, person=b"lms-cipher").digest())


class Marks:
    """HMACs for one purpose: what bears one was made here, though nothing of it is stored."""

    def __init__(self, keys: tuple[str, ...], purpose: bytes) -> None:
        self._keys = [hashlib.blake2b(key.encode(), digest_size=32, person=purpose).digest() for key in keys]

    def make(self, data: bytes) -> str:
        return self._mac(self._keys[0], data)

    def fits(self, data: bytes, mark: str) -> bool:
        """Whether any configured key made the mark, so that a rotation signs nobody out."""
        given = mark.encode()
        return any(hmac.compare_digest(self._mac(key, data).encode(), given) for key in self._keys)

    @staticmethod
    def _mac(key: bytes, data: bytes) -> str:
        return hmac.new(key, data, hashlib.sha256).hexdigest()


class CSRF:
    """Tokens bound to a session: a mark of its id, so that nothing is stored (OWASP: signed double submit)."""

    def __init__(self, keys: tuple[str, ...]) -> None:
        self._marks = Marks(keys, b"lms-csrf")

    def issue(self, session_id: uuid.UUID) -> str:
        return self._marks.make(session_id.bytes)

    def fits(self, session_id: uuid.UUID, token: str) -> bool:
        return self._marks.fits(session_id.bytes, token)


class RefreshTokens:
    """``<session>.<secret>.<mark>``: the mark tells a token that was once given out from one that was made up."""

    _SHAPE = re.compile(r"([0-9a-f]{32})\.[A-Za-z0-9_-]{43}\.[0-9a-f]{64}")

    def __init__(self, keys: tuple[str, ...]) -> None:
        self._marks = Marks(keys, b"lms-refresh")

    def issue(self, session_id: uuid.UUID) -> str:
        token = f"{session_id.hex}.{new_token()}"
        return f"{token}.{self._marks.make(token.encode())}"

    def issued(self, token: str) -> bool:
        """Whether one of the configured keys marked it."""
        body, _dot, mark = token.rpartition(".")
        return self._marks.fits(body.encode(), mark)

    def session_of(self, token: str) -> uuid.UUID | None:
        """The session that a token names, None where it has not the shape of one."""
        found = self._SHAPE.fullmatch(token)
        return uuid.UUID(found[1]) if found else None


class Signatures:
    """Signs what goes out in an address and is to come back as it was: an HMAC, so that nothing is stored.

    ``purpose`` keeps a signature from being good for anything else; rotating the keys ends no address.
    """

    def __init__(self, keys: tuple[str, ...]) -> None:
        self._keys = [hashlib.blake2b(key.encode(), digest_size=32, person=b"lms-signature").digest() for key in keys]

    def sign(self, purpose: str, *parts: str) -> str:
        """43 characters that any URL may hold."""
        return self._mac(self._keys[0], purpose, parts)

    def fits(self, signature: str, purpose: str, *parts: str) -> bool:
        """Whether any configured key signed exactly this."""
        given = signature.encode()
        return any(hmac.compare_digest(self._mac(key, purpose, parts).encode(), given) for key in self._keys)

    @staticmethod
    def _mac(key: bytes, purpose: str, parts: tuple[str, ...]) -> str:
        # Each with its length, so that no two lists of parts are the same bytes.
        said = b"".join(b"%d:%b" % (len(part.encode()), part.encode()) for part in (purpose, *parts))
        return base64.urlsafe_b64encode(hmac.digest(key, said, "sha256")).decode().rstrip("=")


@dataclass(frozen=True, slots=True)
class Tokens:
    passwords: Passwords
    access: AccessTokens
    cipher: Cipher
    csrf: CSRF
    signatures: Signatures
    refresh: RefreshTokens
    requests: Marks
    """Of what was asked with an ``Idempotency-Key``."""

    @classmethod
    def from_settings(cls, settings: Settings, clock: Callable[[], dt.datetime]) -> "Tokens":
        """Raises :class:`SettingsError` where a key is malformed or too short."""
        keys = _signing_keys(secret_setting(settings, "lms.jwt.keys"))
        ciphers = tuple(secret_setting(settings, "lms.secret.keys").split())
        if any(len(key) < 32 for key in ciphers):
            raise SettingsError("lms.secret.keys: each key needs 32 characters or more")
        lane = settings.integer("lms.password.lane")
        return cls(
            passwords=Passwords(
                settings.integer("lms.password.rounds"),
                lane,
                waiting=max(1, settings.integer("lms.web.threads") // 2 - lane),
            ),
            access=AccessTokens(keys, settings.seconds("lms.jwt.access_ttl"), clock),
            cipher=Cipher(ciphers),
            csrf=CSRF(ciphers),
            signatures=Signatures(ciphers),
            refresh=RefreshTokens(ciphers),
            requests=Marks(ciphers, b"lms-request"),
        )


def _signing_keys(text: str) -> dict[str, str]:
    keys: dict[str, str] = {}
    for word in text.split():
        kid, colon, secret = word.partition(":")
        if not (kid and colon and len(secret) >= 32):
            raise SettingsError("lms.jwt.keys: write kid:secret, with a secret of 32 characters or more")
        keys[kid] = secret
    return keys


def secret_setting(settings: Settings, name: str) -> str:
    """A secret from the settings; ``generated:`` makes one on first use, kept in the data directory (mode 0600)."""
    value = settings.text(name)
    if value != GENERATED:
        return value
    return _generated(settings.data / "secrets" / name, prefix="k1:" if name in _NAMED else "")


def _generated(path: Path, prefix: str) -> str:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not path.exists():
        # Written aside and linked into place, so that two processes starting at once agree on one secret.
        draft = path.with_name(f".{path.name}.{os.getpid()}")
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(prefix + secrets.token_urlsafe(48))
        try:
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text().strip()
