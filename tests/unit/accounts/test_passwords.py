"""What makes a password weak, and the one form it is hashed in."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lms_core.accounts.fields import Password
from lms_core.accounts.passwords import MAX_LENGTH, check_strength, normal_form
from lms_core.kernel.errors import Invalid


def broken(password: str, email: str = "ada@example.org", current: str | None = None) -> list[str]:
    """The rules that a password breaks, of which there is at least one."""
    with pytest.raises(Invalid) as refused:
        check_strength(password, email, current=current)
    assert refused.value.code == "weak_password"
    return [str(message) for message in (refused.value.errors or {})["password"]]


@pytest.mark.parametrize("password", ["Abcdef1!", "Ébène-42", "Aa1 aaaa", "Пароль-123", "Aa1!" + "x" * 1020])
def test_strong_ones_pass(password: str) -> None:
    check_strength(password, "ada@example.org")


@pytest.mark.parametrize(
    ("password", "message"),
    [
        ("Abcde1!", "At least 8 characters."),
        ("abcdef1!", "At least one upper-case letter."),
        ("ABCDEF1!", "At least one lower-case letter."),
        ("Abcdefg!", "At least one digit."),
        ("Abcdefg1", "At least one special character."),
        ("Aa1!" + "x" * MAX_LENGTH, "At most 1024 characters."),
        ("1aD!Ada@Example.org", "It must not contain the e-mail address."),
    ],
)
def test_each_rule_is_told_alone(password: str, message: str) -> None:
    assert broken(password) == [message]


def test_all_broken_rules_are_told_together() -> None:
    assert len(broken("")) == 5


def test_the_same_again_is_refused() -> None:
    assert broken("Abcdef1!", current="Abcdef1!") == ["It must differ from the current password."]


def test_the_errors_stand_under_the_field_that_was_sent() -> None:
    with pytest.raises(Invalid) as refused:
        check_strength("x", "a@b.cc", field="newPassword")
    assert list(refused.value.errors or {}) == ["newPassword"]


@given(st.text(max_size=200))
def test_the_normal_form_is_the_normal_form_of_itself(text: str) -> None:
    assert normal_form(normal_form(text)) == normal_form(text)


@given(st.text(alphabet=st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=40))
def test_a_field_hands_on_the_normal_form(text: str) -> None:
    assert Password().deserialize(text) == normal_form(text)
