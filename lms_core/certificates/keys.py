"""The keys that certificates are signed with: Ed25519, each with a name, the first signs and all verify.

A secret word is hashed to a seed, as other keys of the settings are. A key that is no longer to sign is left in the
settings, whole or as its public half alone: what it has signed then still verifies, and nobody can sign with it.
"""

import hashlib
import re
from collections.abc import Mapping
from types import MappingProxyType

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from lms_core.kernel.tokens import secret_setting
from lms_core.settings import Settings, SettingsError

SETTING = "lms.certificates.keys"
_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_ED25519 = b"\xed\x01"
"""How Multikey (W3C Controlled Identifiers) marks a public key as one of Ed25519."""
_NAME = re.compile(r"[A-Za-z0-9_-]{1,32}")
_PUBLIC = re.compile(r"z6Mk[1-9A-HJ-NP-Za-km-z]{44}")
_SHORTEST = 32


def base58(data: bytes) -> str:
    """Multibase's ``base58btc`` without its prefix; leading zero bytes are ones."""
    number, text = int.from_bytes(data), ""
    while number:
        number, digit = divmod(number, 58)
        text = _BASE58[digit] + text
    return _BASE58[0] * (len(data) - len(data.lstrip(b"\0"))) + text


def base58_bytes(text: str) -> bytes:
    """What :func:`base58` wrote. Raises ValueError for any other character."""
    number = 0
    for character in text:
        number = number * 58 + _BASE58.index(character)
    zeros = len(text) - len(text.lstrip(_BASE58[0]))
    return bytes(zeros) + number.to_bytes((number.bit_length() + 7) // 8)


def multikey(key: Ed25519PublicKey) -> str:
    """``z6Mk...``: a public key as Multikey and ``did:key`` write it."""
    return "z" + base58(_ED25519 + key.public_bytes_raw())


def key_of(written: str) -> Ed25519PublicKey:
    """The public key that :func:`multikey` wrote. Raises ValueError."""
    data = base58_bytes(written.removeprefix("z"))
    if not written.startswith("z") or not data.startswith(_ED25519):
        raise ValueError("not an Ed25519 key as Multikey writes it")
    return Ed25519PublicKey.from_public_bytes(data.removeprefix(_ED25519))


class SigningKeys:
    """``registry.certificate_keys``: signs with one key, and knows the public half of every one."""

    def __init__(self, words: str) -> None:
        """``name:secret`` or ``name:z6Mk...`` words. Raises SettingsError, in one line."""
        self._public: dict[str, Ed25519PublicKey] = {}
        self._signing: Ed25519PrivateKey | None = None
        self.name = ""
        """Of the key that signs."""
        for word in words.split():
            self._add(*word.partition(":")[::2])
        if self._signing is None:
            raise SettingsError(f"{SETTING}: set a key to sign with, as name:secret (or in LMS_CERTIFICATES_KEYS)")

    @classmethod
    def from_settings(cls, settings: Settings) -> "SigningKeys":
        return cls(secret_setting(settings, SETTING))

    def _add(self, name: str, secret: str) -> None:
        if not _NAME.fullmatch(name) or name in self._public or len(secret) < _SHORTEST:
            raise SettingsError(
                f"{SETTING}: write name:secret, each name once, with a secret of {_SHORTEST} characters or more"
            )
        if not _PUBLIC.fullmatch(secret):
            seed = hashlib.blake2b(secret.encode(), digest_size=32, person=b"lms-certificate").digest()
            private = Ed25519PrivateKey.from_private_bytes(seed)
            self._public[name] = private.public_key()
            if self._signing is None:
                self._signing, self.name = private, name
            return
        try:
            self._public[name] = key_of(secret)
        except ValueError as error:
            raise SettingsError(f"{SETTING}: the public key of {name} is malformed: {error}") from None

    @property
    def public(self) -> Mapping[str, Ed25519PublicKey]:
        """Every public key by its name, in the order of the settings."""
        return MappingProxyType(self._public)

    def sign(self, data: bytes) -> bytes:
        """A signature by the key :attr:`name`."""
        if self._signing is None:
            raise RuntimeError("no key to sign with")
        return self._signing.sign(data)

    def fits(self, name: str, data: bytes, signature: bytes) -> bool:
        """Whether the key of this name, which need not be known, has signed exactly this."""
        key = self._public.get(name)
        return key is not None and signed_by(key, data, signature)


def signed_by(key: Ed25519PublicKey, data: bytes, signature: bytes) -> bool:
    try:
        key.verify(signature, data)
    except InvalidSignature:
        return False
    return True
