"""Which passwords are refused: pure rules, after NIST SP 800-63B 5.1.1.2.

Length and a list of what everybody tries first; no rule about kinds of characters, no expiry.
"""

from __future__ import annotations

import unicodedata
from functools import cache
from pathlib import Path
from typing import NamedTuple

MIN_LENGTH = 10
MAX_LENGTH = 128
DATA = Path(__file__).parent / "data"
COMMON = DATA / "common_passwords.txt"
# What people put digits around; refused when little else is left.
COMMON_WORDS = DATA / "common_words.txt"
MIN_BESIDES = 7
LOOK_ALIKES = str.maketrans("@0134$57", "aoleasst")
KEYBOARD_WALKS = (
    "qwertyuiopasdfghjklzxcvbnm",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik,9ol.0p;/",
    "1q2w3e4r5t6y7u8i9o0p",
    "qazwsxedcrfvtgbyhnujmikolp",
    "abcdefghijklmnopqrstuvwxyz",
    "01234567890123456789",
)


class Weakness(NamedTuple):
    """Why a password is refused, in two languages."""

    zh: str
    en: str


TOO_SHORT = Weakness(f"至少 {MIN_LENGTH} 个字符", f"at least {MIN_LENGTH} characters are needed")
TOO_LONG = Weakness(f"最多 {MAX_LENGTH} 个字符", f"at most {MAX_LENGTH} characters are taken")
IS_LOGIN = Weakness("不能是登录名或仅略作改动", "it is the login, or hardly more")
IS_COMMON = Weakness("太常见，容易被猜中", "it is among the first that are guessed")
IS_PATTERN = Weakness("是重复或连续的字符", "it is a repetition or a run of characters")


def prepared(password: str) -> str:
    """The text that is hashed: NFKC, so that full-width and half-width digits are one."""
    return unicodedata.normalize("NFKC", password)


def weakness(password: str, login: str) -> Weakness | None:
    """Why `password` may not be the password of `login`; None when it may."""
    text = prepared(password)
    if len(text) < MIN_LENGTH:
        return TOO_SHORT
    if len(text) > MAX_LENGTH:
        return TOO_LONG
    plain = text.casefold()
    if _is_login(plain, login.casefold()):
        return IS_LOGIN
    if _is_pattern(plain):
        return IS_PATTERN
    return IS_COMMON if _is_common(plain) else None


def _is_login(plain: str, login: str) -> bool:
    if not login:
        return False
    rest = plain.replace(login, "").replace(login[::-1], "")
    return rest != plain and len(rest) < MIN_BESIDES


def _is_pattern(plain: str) -> bool:
    if len(set(plain)) <= 3:
        return True
    repeats = any(plain == (plain[:p] * len(plain))[: len(plain)] for p in range(1, 6))
    return repeats or any(plain in walk or plain[::-1] in walk for walk in KEYBOARD_WALKS)


def _is_common(plain: str) -> bool:
    if plain in _words(COMMON):
        return True
    for form in (plain, plain.translate(LOOK_ALIKES)):
        for word in _words(COMMON_WORDS):
            if word in form and len(plain) - len(word) * form.count(word) < MIN_BESIDES:
                return True
    return False


@cache
def _words(file: Path) -> frozenset[str]:
    return frozenset(file.read_text(encoding="utf-8").split())
