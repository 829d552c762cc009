"""The check character of a code: an oracle, and what it promises to detect."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stdnum.iso7064 import mod_11_10

from geo import codes

digits = st.text("0123456789", min_size=1, max_size=24)


@settings(deadline=None, max_examples=200)
@given(digits)
def test_the_check_character_is_that_of_an_independent_mod_11_10(code: str) -> None:
    assert codes.check_character(code) == mod_11_10.calc_check_digit(code)
    assert mod_11_10.is_valid(code + codes.check_character(code))


@settings(deadline=None, max_examples=100)
@given(digits)
def test_every_single_wrong_digit_is_detected(code: str) -> None:
    full = code + codes.check_character(code)
    for place, right in enumerate(full):
        for wrong in set("0123456789") - {right}:
            bad = full[:place] + wrong + full[place + 1 :]
            assert codes.check_character(bad[:-1]) != bad[-1]


def missed_swaps(full: str) -> list[tuple[int, int]]:
    """Pairs of neighbouring digits whose swap leaves the check character right."""
    missed = []
    for place in range(len(full) - 1):
        first, second = full[place], full[place + 1]
        swapped = full[:place] + second + first + full[place + 2 :]
        if first != second and codes.check_character(swapped[:-1]) == swapped[-1]:
            missed.append((int(first), int(second)))
    return missed


@settings(deadline=None, max_examples=200)
@given(digits)
def test_only_swaps_of_consecutive_digits_can_escape(code: str) -> None:
    for first, second in missed_swaps(code + codes.check_character(code)):
        assert (first - second) % 10 in (1, 9)


def test_one_swap_of_neighbours_in_forty_five_escapes() -> None:
    swaps = missed = 0
    for number in range(100000, 1000000, 97):
        full = str(number) + codes.check_character(str(number))
        swaps += sum(a != b for a, b in pairwise(full))
        missed += len(missed_swaps(full))
    assert missed / swaps == pytest.approx(1 / 45, rel=0.05)


def test_a_code_is_shown_with_its_check_character_behind_a_hyphen() -> None:
    assert codes.display("511723100200001") == "511723100200001-0"
