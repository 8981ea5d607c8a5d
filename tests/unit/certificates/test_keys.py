"""The keys that certificates are signed with, and how they are rotated."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lms_core.certificates.keys import SigningKeys, base58, base58_bytes, key_of, multikey
from lms_core.settings import SettingsError

OLD, NEW = "old:" + "o" * 40, "new:" + "n" * 40


def test_the_first_key_signs_and_all_verify() -> None:
    before = SigningKeys(OLD)
    signature = before.sign(b"said")
    after = SigningKeys(f"{NEW} {OLD}")

    assert (before.name, after.name) == ("old", "new")
    assert after.fits("old", b"said", signature)
    assert not after.fits("new", b"said", signature)
    assert not after.fits("old", b"else", signature)
    assert not after.fits("nobody", b"said", signature)
    assert not after.fits("old", b"said", b"")
    assert after.fits("new", b"said", after.sign(b"said"))


def test_of_a_retired_key_the_public_half_is_enough() -> None:
    old = SigningKeys(OLD)
    retired = SigningKeys(f"{NEW} old:{multikey(old.public['old'])}")

    assert retired.fits("old", b"said", old.sign(b"said"))
    assert retired.name == "new"


def test_a_public_key_in_front_does_not_sign() -> None:
    public = multikey(SigningKeys(OLD).public["old"])
    assert SigningKeys(f"old:{public} {NEW}").name == "new"


@pytest.mark.parametrize(
    "words", ["", "short:abc", "o" * 40, f"{OLD} {OLD}", "a b:" + "x" * 40, "a#b:" + "x" * 40,
              "old:" + multikey(SigningKeys(OLD).public["old"]), f"{NEW} x:z6Mk{'1' * 44}"]
)  # fmt: skip
def test_what_is_no_key_is_said_in_one_line(words: str) -> None:
    with pytest.raises(SettingsError, match=r"lms\.certificates\.keys: ") as told:
        SigningKeys(words)
    assert "\n" not in str(told.value)


def test_a_public_key_is_written_as_multikey_does() -> None:
    key = SigningKeys(OLD).public["old"]
    assert multikey(key).startswith("z6Mk")
    assert key_of(multikey(key)).public_bytes_raw() == key.public_bytes_raw()
    with pytest.raises(ValueError, match="not an Ed25519 key"):
        key_of("zQ3sh" + "1" * 40)


@given(st.binary(max_size=80))
def test_base58_reads_what_it_wrote(data: bytes) -> None:
    assert base58_bytes(base58(data)) == data


def test_base58_is_bitcoins() -> None:
    assert base58(b"Hello World!") == "2NEpo7TZRRrLZSi2U"
    assert base58(b"\0\0\x28\x7f\xb4\xcd") == "11233QC4"
