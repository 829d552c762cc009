"""The digits and numerals that number a plan."""

from __future__ import annotations

DIGITS = "一二三四五六七八九"
FULL_WIDTH = str.maketrans("０１２３４５６７８９", "0123456789")


def number_of(digits: str) -> int:
    """The number written in half-width or full-width digits."""
    return int(digits.translate(FULL_WIDTH))


def numeral_value(numeral: str) -> int | None:
    """The value of a Chinese numeral from 一 to 九十九; None when it is not one."""
    tens, ten, units = numeral.rpartition("十")
    if (tens and tens not in DIGITS) or (units and units not in DIGITS):
        return None
    if len(tens) > 1 or len(units) > 1 or (not ten and not units):
        return None
    if not ten:
        return DIGITS.index(units) + 1
    return (DIGITS.index(tens) + 1 if tens else 1) * 10 + (DIGITS.index(units) + 1 if units else 0)
