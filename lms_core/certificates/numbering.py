"""Numbers of certificates: nobody can guess one, and everybody can read one out over the telephone.

``7K3M-9QXT-B2RD-8WHN``: fourteen random characters of Crockford's Base32 (70 bits), and two that check them. The
alphabet has neither I, L, O nor U; whoever writes I or L means 1, and O means 0. The check is the value modulo 1021, a
prime: it finds every character misread and any two exchanged.
"""

import re
import secrets

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_RANDOM, _CHECK, _GROUP = 14, 2, 4
_MODULUS = 1021
_MEANT = str.maketrans("ILO", "110")
_SEPARATORS = re.compile(r"[-\s\u2010-\u2015]")
_SHAPE = re.compile(f"[{_ALPHABET}]{{{_RANDOM + _CHECK}}}")
LONGEST = 64
"""Characters of what somebody may write for a number."""


def new_number() -> str:
    """A number that no certificate has."""
    body = "".join(secrets.choice(_ALPHABET) for _place in range(_RANDOM))
    return _grouped(body + _check(body))


def number_meant(text: str) -> str | None:
    """The number that somebody wrote, in its canonical form; None where it cannot be one."""
    if len(text) > LONGEST:
        return None
    plain = _SEPARATORS.sub("", text).upper().translate(_MEANT)
    if not _SHAPE.fullmatch(plain) or _check(plain[:_RANDOM]) != plain[_RANDOM:]:
        return None
    return _grouped(plain)


def _check(body: str) -> str:
    value = 0
    for character in body:
        value = value * 32 + _ALPHABET.index(character)
    high, low = divmod(value * 32**_CHECK % _MODULUS, 32)
    return _ALPHABET[high] + _ALPHABET[low]


def _grouped(plain: str) -> str:
    return "-".join(plain[start : start + _GROUP] for start in range(0, len(plain), _GROUP))
