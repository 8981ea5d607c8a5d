"""How access codes are written, and what makes two of them the same."""

import re
import secrets

SHORTEST = 8
"""Letters and digits of a code that somebody chooses."""
MOST = 1_000_000
"""Uses that can be asked for."""
_ALPHABET = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"
"""Without what is taken for something else when read aloud or by hand: I, L, O, 0, 1."""
_BLOCKS, _BLOCK = 3, 4
_FORM = re.compile(r"[A-Za-z0-9 -]+")


def key_of(code: str) -> str:
    """What makes two codes the same, however they are written."""
    return re.sub(r"[\s-]", "", code).upper()


def well_formed(code: str) -> bool:
    return _FORM.fullmatch(code) is not None


def new_code() -> str:
    """``K7QD-MW3P-XN4T``: 59 bits of chance."""
    return "-".join("".join(secrets.choice(_ALPHABET) for _place in range(_BLOCK)) for _each in range(_BLOCKS))
