"""Codes of the second factor: made, shown, matched, and spent so that each works once."""

import base64
import io
import re
import secrets
import uuid

import pyotp
import segno
from sqlalchemy import any_, func, literal, or_, update
from sqlalchemy.orm import Session

from lms_core.accounts.models import User
from lms_core.accounts.queries import Account
from lms_core.kernel.core import Core
from lms_core.kernel.errors import Unauthorized
from lms_core.kernel.i18n import _
from lms_core.kernel.tokens import hash_token

WINDOW = 1
"""Time steps of 30 s that a phone's clock may be off, either way."""
BACKUP_CODES = 10

_TOTP = re.compile(r"[0-9]{6}")
_BACKUP = re.compile(r"[A-Z2-7]{16}")


def invalid_code() -> Unauthorized:
    return Unauthorized("invalid_code", _("The code is wrong, or has been used."))


def new_secret() -> str:
    """160 random bits in base32, as RFC 4226 wants them."""
    return pyotp.random_base32(32)


def provisioning_uri(core: Core, secret: str, email: str) -> str:
    """The ``otpauth://`` URI an authenticator app takes."""
    return pyotp.TOTP(secret).provisioning_uri(name=email, issuer_name=core.settings.text("lms.name"))


def qr_code(uri: str) -> str:
    """The URI as a QR code: a PNG in base64."""
    image = io.BytesIO()
    segno.make(uri, error="m", micro=False).save(image, kind="png", scale=6)
    return base64.b64encode(image.getvalue()).decode()


def matching_step(core: Core, sealed_secret: str, code: str) -> int | None:
    """The time step whose code this is, None where it is none of those around now."""
    digits = code.replace(" ", "")
    if not _TOTP.fullmatch(digits):
        return None
    totp = pyotp.TOTP(core.tokens.cipher.open(sealed_secret))
    try:
        return totp.verify_and_get_timecode(digits, for_time=core.clock(), valid_window=WINDOW)
    except pyotp.OTPVerificationError:
        return None


def new_backup_codes() -> tuple[list[str], list[str]]:
    """Ten codes to show once (``ABCD-EFGH-IJKL-MNOP``, 80 random bits), and their hashes to keep."""
    plain = [base64.b32encode(secrets.token_bytes(10)).decode() for _each in range(BACKUP_CODES)]
    return ["-".join(re.findall("....", code)) for code in plain], [hash_token(code) for code in plain]


def spend_code(core: Core, account: Account, code: str) -> bool:
    """Use up an app's code or a backup code; whether it was good. Each is one atomic statement, so it works once.

    It is spent in a transaction of its own, whatever becomes of the request's. For a statement that waited for a
    twin's keeps the row locked even where it then changes nothing; and a failure, which is counted on a connection of
    its own, would wait for that lock for ever.
    """
    if account.two_factor_secret is None:
        return False
    step = matching_step(core, account.two_factor_secret, code)
    plain = code.replace("-", "").replace(" ", "").upper()
    with core.transaction() as db:
        if step is not None:
            return _spend_step(db, account.id, step)
        return bool(_BACKUP.fullmatch(plain)) and _spend_backup_code(db, account.id, hash_token(plain))


def _spend_step(db: Session, user_id: uuid.UUID, step: int) -> bool:
    """A step that was used, or one before it, is not used again (RFC 6238, 5.2)."""
    statement = (
        update(User)
        .where(User.id == user_id, User.two_factor_enabled)
        .where(or_(User.two_factor_last_step.is_(None), User.two_factor_last_step < step))
        .values(two_factor_last_step=step)
        .returning(User.id)
    )
    return db.execute(statement).one_or_none() is not None


def _spend_backup_code(db: Session, user_id: uuid.UUID, code_hash: str) -> bool:
    statement = (
        update(User)
        .where(User.id == user_id, User.two_factor_enabled, literal(code_hash) == any_(User.backup_codes))
        .values(backup_codes=func.array_remove(User.backup_codes, code_hash))
        .returning(User.id)
    )
    return db.execute(statement).one_or_none() is not None
