"""Passwords that the command line makes, and addresses that it takes."""

import pytest

from lms_core.accounts.passwords import check_strength
from lms_core.cli.failures import CommandError
from lms_core.cli.people import DEFAULT_EMAIL, new_password, valid_email


def test_a_generated_password_is_strong_and_each_is_another() -> None:
    made = [new_password() for _ in range(200)]

    for password in made:
        check_strength(password, DEFAULT_EMAIL)
        assert not set(password) & set("Il1O0o")
    assert len(set(made)) == len(made)


def test_an_address_is_taken_as_registration_takes_it() -> None:
    assert valid_email("Ada@Example.ORG") == "Ada@example.org"
    assert valid_email(DEFAULT_EMAIL) == DEFAULT_EMAIL
    for wrong in ("ada", "ada@localhost", "a b@example.org", ""):
        with pytest.raises(CommandError, match="is not an e-mail address"):
            valid_email(wrong)
