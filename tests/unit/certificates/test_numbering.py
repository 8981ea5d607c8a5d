"""Numbers of certificates: spoken, mistyped and made up."""

import re
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lms_core.certificates.numbering import new_number, number_meant

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def test_numbers_are_in_groups_of_four_and_differ() -> None:
    numbers = {new_number() for _each in range(1000)}
    assert len(numbers) == 1000
    assert all(re.fullmatch(rf"([{ALPHABET}]{{4}}-){{3}}[{ALPHABET}]{{4}}", number) for number in numbers)


def test_however_it_is_written_the_number_is_understood() -> None:
    number = new_number()
    for written in (number.lower(), number.replace("-", " "), number.replace("-", ""), number.replace("-", "\u2011"),
                    f" {number} ", number.replace("1", "I").replace("0", "o"), number.replace("1", "l")):  # fmt: skip
        assert number_meant(written) == number


def test_one_character_misread_is_no_number() -> None:
    number = new_number()
    for place, right in enumerate(number):
        if right != "-":
            for wrong in set(ALPHABET) - {right}:
                assert number_meant(number[:place] + wrong + number[place + 1 :]) is None


def test_two_characters_exchanged_are_no_number() -> None:
    plain = new_number().replace("-", "")
    for one in range(len(plain)):
        for other in range(one):
            if plain[one] != plain[other]:
                swapped = list(plain)
                swapped[one], swapped[other] = plain[other], plain[one]
                assert number_meant("".join(swapped)) is None


@pytest.mark.parametrize("text", ["", "-", "x" * 65, "0" * 16 + "\0", "é" * 16, "٣" * 16, "U" * 16, "0000"])
def test_what_cannot_be_a_number_is_none(text: str) -> None:
    assert number_meant(text) is None


@given(st.text(alphabet=string.printable, max_size=80))
def test_nothing_makes_it_fail(text: str) -> None:
    meant = number_meant(text)
    assert meant is None or number_meant(meant) == meant
