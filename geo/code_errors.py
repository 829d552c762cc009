"""Everything that can be wrong with an area or grid code, each as a class of its own.

``position`` counts characters of the given text from 0; it is None where the whole is meant.
"""

from __future__ import annotations

from collections.abc import Sequence

from geo.errors import GeoError


def shown(character: str) -> str:
    """A character in quotes as people can see it: invisible ones by their code point."""
    return f"“{character}”" if character.isprintable() else f"U+{ord(character):04X}"


class CodeError(GeoError):
    """A code that cannot be used, and where in it the trouble is."""

    code = "code_invalid"

    def __init__(self, message: str, *, zh: str, position: int | None = None) -> None:
        super().__init__(message, zh=zh)
        self.position = position


class FullWidthCharacter(CodeError):
    """A full-width digit or hyphen; ``half_width`` is the character that was meant."""

    code = "code_full_width"

    def __init__(self, found: str, half_width: str, position: int) -> None:
        super().__init__(
            f"character {position + 1} is the full-width “{found}”; write “{half_width}”",
            zh=f"第{position + 1}个字符“{found}”是全角字符，应为半角“{half_width}”",
            position=position,
        )
        self.found = found
        self.half_width = half_width


class WhitespaceInCode(CodeError):
    """White space before, inside or after the code."""

    code = "code_whitespace"

    def __init__(self, place: str, position: int) -> None:
        places = {"before": "前面", "inside": "中间", "after": "后面"}
        super().__init__(
            f"white space {place} the code, at character {position + 1}",
            zh=f"编码{places[place]}有空白，位于第{position + 1}个字符",
            position=position,
        )
        self.place = place


class ForeignCharacter(CodeError):
    """A character that is no digit; codes are ASCII digits only."""

    code = "code_character"

    def __init__(self, found: str, position: int) -> None:
        super().__init__(
            f"character {position + 1} is {shown(found)}; only the digits 0-9 are allowed",
            zh=f"第{position + 1}个字符{shown(found)}不允许，只能是数字0-9",
            position=position,
        )
        self.found = found


class WrongLength(CodeError):
    """The code has another number of digits than any that is allowed."""

    code = "code_length"

    def __init__(self, length: int, allowed: Sequence[int]) -> None:
        super().__init__(
            f"{length} digits; allowed: {' or '.join(map(str, allowed))}",
            zh=f"编码为{length}位；允许的位数：{'、'.join(map(str, allowed))}",
        )
        self.length = length
        self.allowed = tuple(allowed)


class BadCheckCharacter(CodeError):
    """What stands after the hyphen is not exactly one digit."""

    code = "code_check_form"

    def __init__(self, found: str, position: int) -> None:
        super().__init__(
            f"after the hyphen stands one check digit, not “{found[:20]}”",
            zh=f"连字符后应为一位校验数字，而不是“{found[:20]}”",
            position=position,
        )
        self.found = found


class WrongCheckCharacter(CodeError):
    """The check character does not belong to the digits; ``expected`` does."""

    code = "code_check_character"

    def __init__(self, given: str, expected: str, position: int) -> None:
        super().__init__(
            f"check character {given} does not fit the code; {expected} would. "
            "A digit is wrong or two are swapped",
            zh=f"校验码“{given}”与编码不符，应为“{expected}”；可能有数字错误或相邻数字颠倒",
            position=position,
        )
        self.given = given
        self.expected = expected


class MissingVillage(CodeError):
    """The township or village field is zero: a grid belongs to one village, never above it."""

    code = "code_no_village"

    def __init__(self, village: str, field: str, position: int) -> None:
        fields = {"township": "乡镇（街道）", "village": "村（社区）"}
        super().__init__(
            f"{village} names no village: its {field} digits are 000",
            zh=f"{village} 不是村级编码：{fields[field]}段为000",
            position=position,
        )
        self.field = field


class UnknownGridType(CodeError):
    """The type digit is none that the scheme knows."""

    code = "code_grid_type"

    def __init__(self, found: str, allowed: Sequence[str], position: int) -> None:
        super().__init__(
            f"unknown grid type {found}; known: {', '.join(allowed)}",
            zh=f"未知网格类型“{found}”；允许：{'、'.join(allowed)}",
            position=position,
        )
        self.found = found
        self.allowed = tuple(allowed)


class SequenceZero(CodeError):
    """The sequence number is zero; numbers begin at 1."""

    code = "code_sequence_zero"

    def __init__(self, position: int) -> None:
        super().__init__(
            "the sequence number is zero; it begins at 1",
            zh="网格顺序号为零，应从1开始",
            position=position,
        )


class MicroSequenceZero(CodeError):
    """The micro-grid number is zero; numbers begin at 1."""

    code = "code_micro_zero"

    def __init__(self, position: int) -> None:
        super().__init__(
            "the micro-grid number is zero; it begins at 1",
            zh="微网格顺序号为零，应从1开始",
            position=position,
        )


class TownshipZero(CodeError):
    """Digits 7-9 are 000, which names no township."""

    code = "code_township_zero"

    def __init__(self, given: str) -> None:
        super().__init__(
            f"{given} names no township: digits 7-9 are 000",
            zh=f"{given} 不是乡级编码：第7至9位为000",
            position=6,
        )


class NumberOutOfRange(CodeError):
    """A highest used number that the scheme cannot have issued."""

    code = "code_number_range"

    def __init__(self, number: int, highest: int) -> None:
        super().__init__(
            f"highest used number {number} is not between 0 and {highest}",
            zh=f"已用最大顺序号{number}不在0至{highest}之间",
        )
        self.number = number
        self.highest = highest


class CodesExhausted(CodeError):
    """No number is left under this parent; numbers are never reused."""

    code = "codes_exhausted"

    def __init__(self, parent: str, capacity: int) -> None:
        super().__init__(
            f"all {capacity} numbers under {parent} have been used; none is ever reused",
            zh=f"{parent} 下的{capacity}个顺序号已全部用完，编码不得重复使用",
        )
        self.parent = parent
        self.capacity = capacity
