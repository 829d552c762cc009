"""Grid codes as people type them: read one, explain a bad one, show one.

A key is digits only. A check character by ISO 7064 MOD 11,10 is shown after a hyphen
(``511723100200001-0``), accepted when a code is typed in, and never part of the key. It detects
every single wrong digit, and every swap of neighbours except some of two digits that follow one
another on the circle 0-1-...-9-0, which it misses one time in ten.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from geo.code_errors import (
    BadCheckCharacter,
    CodeError,
    ForeignCharacter,
    FullWidthCharacter,
    MicroSequenceZero,
    MissingVillage,
    SequenceZero,
    UnknownGridType,
    WhitespaceInCode,
    WrongCheckCharacter,
    WrongLength,
)
from geo.divisions import COUNTY_LENGTH, TOWNSHIP_LENGTH, require_digits, zero_field
from geo.schemes import SCHEME_15, VILLAGE_LENGTH, CodeScheme, GridKind

# Nobody types a longer one; what is beyond is not looked at character by character.
_LONGEST_TEXT = 64
_FULL_WIDTH = {chr(0xFF10 + digit): str(digit) for digit in range(10)} | {"－": "-"}


@dataclass(frozen=True, slots=True)
class ParsedCode:
    """The parts of a good code. ``code`` is the key; ``grid`` the key of the grid it is or is in.

    ``kind`` is None where the scheme shows none; ``micro`` is None for a grid that is no
    micro-grid; ``check_given`` is None when no check character was typed.
    """

    code: str
    grid: str
    county: str
    township: str
    village: str
    kind: GridKind | None
    type_digit: str
    sequence: int
    micro: int | None
    check_given: str | None
    check_computed: str


@dataclass(frozen=True, slots=True)
class CodeProblem:
    """One thing wrong with a code, ready to be shown: stable name, place, both languages."""

    code: str
    position: int | None
    message_zh: str
    message_en: str


@dataclass(frozen=True, slots=True)
class CodeExplanation:
    """What a text is as a grid code: its parts when it is good, else all its problems.

    ``suggestion`` is the key that was probably meant, when only the way of typing is wrong.
    """

    text: str
    scheme: str
    problems: tuple[CodeProblem, ...]
    parsed: ParsedCode | None
    suggestion: str | None

    @property
    def is_valid(self) -> bool:
        """Whether the text can be used as it stands."""
        return self.parsed is not None


def parse(text: str, scheme: CodeScheme = SCHEME_15) -> ParsedCode:
    """The parts of a grid or micro-grid code, with or without its check character.

    Raises the ``CodeError`` of the first problem met: characters before length before meaning.
    """
    problems, parsed = _read(text, scheme)
    if problems or parsed is None:
        raise problems[0]
    return parsed


def explain(text: str, scheme: CodeScheme = SCHEME_15) -> CodeExplanation:
    """Everything that is right or wrong with a text as a grid code; never raises for bad text."""
    problems, meant = _read(text, scheme)
    return CodeExplanation(
        text=text,
        scheme=scheme.name,
        problems=tuple(
            CodeProblem(problem.code, problem.position, problem.message_zh, problem.message)
            for problem in problems
        ),
        parsed=None if problems else meant,
        suggestion=meant.code if problems and meant else None,
    )


def check_character(code: str) -> str:
    """The ISO 7064 MOD 11,10 check character of a key, one digit. Raises ``ForeignCharacter``."""
    require_digits(code)
    product = 10
    for digit in code:
        total = (product + int(digit)) % 10 or 10
        product = total * 2 % 11
    return str((11 - product) % 10)


def display(code: str) -> str:
    """A key as people see it, with its check character: ``511723100200001-0``."""
    return f"{code}-{check_character(code)}"


def _read(text: str, scheme: CodeScheme) -> tuple[list[CodeError], ParsedCode | None]:
    """All problems of a text, and the code it stands for if it can be told in spite of them."""
    if len(text) > _LONGEST_TEXT:
        return [WrongLength(len(text), scheme.lengths)], None
    problems = list(_typing_problems(text))
    places = [place for place, character in enumerate(text) if not character.isspace()]
    plain = "".join(_FULL_WIDTH.get(text[place], text[place]) for place in places)
    key, hyphen, check = plain.partition("-")
    if not (key + check).isdigit() or not plain.isascii():
        return problems or [WrongLength(0, scheme.lengths)], None
    if len(key) not in scheme.lengths:
        return [*problems, WrongLength(len(key), scheme.lengths)], None
    found = [*_field_problems(key, scheme, places)]
    if hyphen and len(check) != 1:
        found.append(BadCheckCharacter(check, places[len(key)]))
    elif hyphen and check != check_character(key):
        found.append(WrongCheckCharacter(check, check_character(key), places[len(key) + 1]))
    return [*problems, *found], None if found else _parts(key, check or None, scheme)


def _typing_problems(text: str) -> Iterator[CodeError]:
    start = len(text) - len(text.lstrip())
    end = len(text.rstrip())
    hyphen_seen = False
    for place, character in enumerate(text):
        if character in _FULL_WIDTH:
            yield FullWidthCharacter(character, _FULL_WIDTH[character], place)
        elif character.isspace():
            yield WhitespaceInCode(
                "before" if place < start else "inside" if place < end else "after", place
            )
        elif character not in "0123456789" and (character != "-" or hyphen_seen):
            yield ForeignCharacter(character, place)
        hyphen_seen = hyphen_seen or character in "-－"


def _field_problems(key: str, scheme: CodeScheme, places: list[int]) -> Iterator[CodeError]:
    village = key[:VILLAGE_LENGTH]
    if zero := zero_field(village):
        yield MissingVillage(village, zero[0], places[zero[1]])
    after_type = VILLAGE_LENGTH + scheme.type_digits
    type_digit = key[VILLAGE_LENGTH:after_type]
    if type_digit and scheme.kind_of(type_digit) is None:
        yield UnknownGridType(type_digit, scheme.known_types, places[VILLAGE_LENGTH])
    if int(key[after_type : scheme.grid_length]) == 0:
        yield SequenceZero(places[after_type])
    if len(key) > scheme.grid_length and int(key[scheme.grid_length :]) == 0:
        yield MicroSequenceZero(places[scheme.grid_length])


def _parts(key: str, check: str | None, scheme: CodeScheme) -> ParsedCode:
    after_type = VILLAGE_LENGTH + scheme.type_digits
    type_digit = key[VILLAGE_LENGTH:after_type]
    micro = key[scheme.grid_length :]
    return ParsedCode(
        code=key,
        grid=key[: scheme.grid_length],
        county=key[:COUNTY_LENGTH],
        township=key[:TOWNSHIP_LENGTH],
        village=key[:VILLAGE_LENGTH],
        kind=scheme.kind_of(type_digit),
        type_digit=type_digit,
        sequence=int(key[after_type : scheme.grid_length]),
        micro=int(micro) if micro else None,
        check_given=check,
        check_computed=check_character(key),
    )
