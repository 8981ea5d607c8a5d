"""Codes of the second factor, without a database."""

import base64
import re
import struct

from lms_core.accounts.two_factor.codes import new_backup_codes, new_secret, qr_code
from lms_core.kernel.tokens import hash_token


def test_backup_codes_are_ten_and_kept_as_hashes() -> None:
    shown, kept = new_backup_codes()
    assert len(set(shown)) == len(set(kept)) == 10
    assert all(re.fullmatch(r"([A-Z2-7]{4}-){3}[A-Z2-7]{4}", code) for code in shown)
    assert [hash_token(code.replace("-", "")) for code in shown] == kept


def test_a_secret_has_160_bits() -> None:
    assert len(base64.b32decode(new_secret())) == 20
    assert new_secret() != new_secret()


def test_the_qr_code_is_a_png_that_a_phone_can_read_off_a_screen() -> None:
    image = base64.b64decode(qr_code("otpauth://totp/LMS:ada%40example.org?secret=JBSWY3DPEHPK3PXP&issuer=LMS"))
    assert image.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", image[16:24])
    assert width == height
    assert width >= 200
