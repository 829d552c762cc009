"""Grid codes: what is read, refused, explained and issued."""

from __future__ import annotations

from dataclasses import asdict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo import codes
from geo.codes import SCHEME_15, SCHEME_DB11, CodesExhausted, GridKind
from geo.errors import GeoError

VILLAGE = "511723100200"
GRID = "511723100200001"
MICRO = "51172310020000107"
SCHEMES = [SCHEME_15, SCHEME_DB11]

villages = st.builds(
    "{:06}{:03}{:03}".format,
    st.integers(110000, 659999),
    st.integers(1, 399),
    st.integers(1, 999),
)


# --- reading


def test_a_grid_code_is_read_into_its_parts() -> None:
    assert asdict(codes.parse("511723100200001-0")) == {
        "code": GRID,
        "grid": GRID,
        "county": "511723",
        "township": "511723100",
        "village": VILLAGE,
        "kind": GridKind.BASIC,
        "type_digit": "0",
        "sequence": 1,
        "micro": None,
        "check_given": "0",
        "check_computed": "0",
    }


def test_a_micro_grid_code_names_the_grid_it_is_in() -> None:
    parsed = codes.parse(MICRO)
    assert (parsed.code, parsed.grid, parsed.sequence, parsed.micro) == (MICRO, GRID, 1, 7)
    assert parsed.check_given is None


def test_the_scheme_without_types_reads_the_same_digits_as_one_sequence() -> None:
    parsed = codes.parse(VILLAGE + "801", SCHEME_DB11)
    assert (parsed.kind, parsed.type_digit, parsed.sequence) == (None, "", 801)
    assert codes.parse(VILLAGE + "801").kind is GridKind.DEDICATED


@pytest.mark.parametrize(
    ("type_digit", "kind"),
    [
        ("0", GridKind.BASIC),
        ("1", GridKind.BASIC),
        ("8", GridKind.DEDICATED),
        ("9", GridKind.TEMPORARY),
    ],
)
def test_the_type_digit_tells_the_kind(type_digit: str, kind: GridKind) -> None:
    assert codes.parse(f"{VILLAGE}{type_digit}42").kind is kind


@pytest.mark.parametrize("scheme", SCHEMES)
@settings(deadline=None, max_examples=100)
@given(village=villages, data=st.data())
def test_every_issued_code_is_read_back_with_and_without_its_check_character(
    scheme: codes.CodeScheme, village: str, data: st.DataObject
) -> None:
    kind = data.draw(st.sampled_from(GridKind))
    highest = data.draw(st.integers(0, scheme.highest_sequence - 1))
    code = codes.next_code(village, kind, {scheme.types_of(kind)[0]: highest}, scheme)
    parsed = codes.parse(code, scheme)
    assert (parsed.village, parsed.sequence) == (village, highest + 1)
    assert parsed.kind in (kind, None)
    assert codes.parse(codes.display(code), scheme).code == code


# --- what is wrong: text, stable code, position, a piece of each message
BAD_CODES = [
    ("51172３100200001", "code_full_width", 5, "“３”", "半角“3”"),
    ("511723100200001－0", "code_full_width", 15, "write “-”", "半角“-”"),
    (" 511723100200001", "code_whitespace", 0, "before", "前面"),
    ("511723 100200001", "code_whitespace", 6, "inside", "中间"),
    ("511723100200001\u3000", "code_whitespace", 15, "after", "后面"),
    ("511723100200001\n", "code_whitespace", 15, "after", "后面"),
    ("51172310020000l", "code_character", 14, "“l”", "“l”"),
    ("51172310020000\u200b1", "code_character", 14, "U+200B", "U+200B"),
    ("٥11723100200001", "code_character", 0, "“٥”", "“٥”"),
    ("511723100200001-0-0", "code_character", 17, "“-”", "“-”"),
    ("", "code_length", None, "0 digits; allowed: 15 or 17", "15、17"),
    (VILLAGE, "code_length", None, "12 digits; allowed: 15 or 17", "12位"),
    ("5117231002000010", "code_length", None, "16 digits", "16位"),
    ("5" * 100000, "code_length", None, "100000 digits", "100000位"),
    ("511723100200001-", "code_check_form", 15, "one check digit", "一位校验"),
    ("511723100200001-07", "code_check_form", 15, "“07”", "“07”"),
    ("511723100200001-4", "code_check_character", 16, "4 does not fit the code; 0", "应为“0”"),
    ("511723000200001", "code_no_village", 6, "township digits", "乡镇（街道）段"),
    ("511723100000001", "code_no_village", 9, "village digits", "村（社区）段"),
    ("511723100200201", "code_grid_type", 12, "type 2; known: 0, 1, 8, 9", "0、1、8、9"),
    ("511723100200000", "code_sequence_zero", 13, "begins at 1", "从1开始"),
    ("51172310020000100", "code_micro_zero", 15, "begins at 1", "从1开始"),
]


@pytest.mark.parametrize(("text", "code", "position", "english", "chinese"), BAD_CODES)
def test_a_bad_code_is_refused_with_what_exactly_is_wrong(
    text: str, code: str, position: int | None, english: str, chinese: str
) -> None:
    with pytest.raises(codes.CodeError) as caught:
        codes.parse(text)
    error = caught.value
    assert isinstance(error, GeoError)
    assert (error.code, error.position) == (code, position)
    assert english in str(error)
    assert chinese in error.message_zh
    explanation = codes.explain(text)
    assert not explanation.is_valid
    assert explanation.problems[0].code == code
    assert explanation.problems[0].message_zh == error.message_zh


def test_each_kind_of_trouble_has_a_code_of_its_own() -> None:
    classes = [codes.CodeError, *codes.CodeError.__subclasses__()]
    assert len({one.code for one in classes}) == len(classes)


def test_errors_carry_what_a_client_needs_to_put_it_right() -> None:
    with pytest.raises(codes.FullWidthCharacter) as full_width:
        codes.parse("51172３100200001")
    assert (full_width.value.found, full_width.value.half_width) == ("３", "3")
    with pytest.raises(codes.WrongCheckCharacter) as check:
        codes.parse("511723100200001-4")
    assert (check.value.given, check.value.expected) == ("4", "0")
    with pytest.raises(codes.UnknownGridType) as unknown:
        codes.parse("511723100200201")
    assert unknown.value.allowed == ("0", "1", "8", "9")


def test_all_problems_of_one_text_are_listed_at_their_places_in_it() -> None:
    explanation = codes.explain(" ５11723000200200－7")
    assert [(one.code, one.position) for one in explanation.problems] == [
        ("code_whitespace", 0),
        ("code_full_width", 1),
        ("code_full_width", 16),
        ("code_no_village", 7),
        ("code_grid_type", 13),
        ("code_sequence_zero", 14),
        ("code_check_character", 17),
    ]
    assert explanation.parsed is None
    assert explanation.suggestion is None


def test_a_text_far_too_long_has_one_problem_and_not_one_for_each_character() -> None:
    assert [one.code for one in codes.explain("x" * 100000).problems] == ["code_length"]


def test_what_was_meant_is_suggested_when_only_the_typing_is_wrong() -> None:
    explanation = codes.explain("５11723 100200001－0")
    assert explanation.suggestion == GRID
    assert not explanation.is_valid
    assert codes.explain("511723100200001-4").suggestion is None


def test_a_good_code_is_explained_by_its_parts() -> None:
    explanation = codes.explain(codes.display(MICRO))
    assert explanation.is_valid
    assert explanation.problems == ()
    assert explanation.parsed == codes.parse(codes.display(MICRO))


@pytest.mark.parametrize("scheme", SCHEMES)
@settings(deadline=None, max_examples=200)
@given(text=st.one_of(st.text(max_size=80), st.text("0123456789-－０９ \t１", max_size=24)))
def test_explaining_never_raises_and_always_says_something(
    scheme: codes.CodeScheme, text: str
) -> None:
    explanation = codes.explain(text, scheme)
    assert explanation.is_valid != bool(explanation.problems)
    for problem in explanation.problems:
        assert problem.message_en
        assert problem.message_zh
        assert problem.position is None or 0 <= problem.position < len(text)


# --- issuing


@pytest.mark.parametrize(
    ("kind", "used", "expected"),
    [
        (GridKind.BASIC, {}, "001"),
        (GridKind.BASIC, {"0": 7}, "008"),
        (GridKind.BASIC, {"0": 98}, "099"),
        (GridKind.BASIC, {"0": 99}, "101"),
        (GridKind.BASIC, {"0": 99, "1": 41}, "142"),
        (GridKind.DEDICATED, {"0": 99}, "801"),
        (GridKind.DEDICATED, {"8": 98}, "899"),
        (GridKind.TEMPORARY, {"9": 1}, "902"),
    ],
)
def test_the_next_number_is_the_highest_ever_used_plus_one(
    kind: GridKind, used: dict[str, int], expected: str
) -> None:
    assert codes.next_code(VILLAGE, kind, used) == VILLAGE + expected


@pytest.mark.parametrize(
    ("kind", "used", "capacity"),
    [
        (GridKind.BASIC, {"0": 99, "1": 99}, 198),
        (GridKind.DEDICATED, {"8": 99}, 99),
        (GridKind.TEMPORARY, {"9": 99}, 99),
    ],
)
def test_no_code_is_issued_beyond_the_last(
    kind: GridKind, used: dict[str, int], capacity: int
) -> None:
    with pytest.raises(CodesExhausted) as caught:
        codes.next_code(VILLAGE, kind, used)
    assert (caught.value.parent, caught.value.capacity) == (VILLAGE, capacity)


def test_without_types_all_kinds_share_one_sequence() -> None:
    for kind in GridKind:
        assert codes.next_code(VILLAGE, kind, {"": 998}, SCHEME_DB11) == VILLAGE + "999"
    with pytest.raises(CodesExhausted):
        codes.next_code(VILLAGE, GridKind.BASIC, {"": 999}, SCHEME_DB11)


def test_many_codes_come_in_order_over_the_overflow_or_not_at_all() -> None:
    used = {"0": 97, "1": 0}
    issued = codes.next_codes(VILLAGE, GridKind.BASIC, used, count=4)
    assert [code[12:] for code in issued] == ["098", "099", "101", "102"]
    assert len(codes.next_codes(VILLAGE, GridKind.BASIC, used, count=101)) == 101
    with pytest.raises(CodesExhausted):
        codes.next_codes(VILLAGE, GridKind.BASIC, used, count=102)


@pytest.mark.parametrize(
    ("village", "used", "code"),
    [
        ("511723100", {}, "code_length"),
        ("51172310020x", {}, "code_character"),
        ("511723100000", {}, "code_no_village"),
        (VILLAGE, {"0": 100}, "code_number_range"),
        (VILLAGE, {"0": -1}, "code_number_range"),
    ],
)
def test_codes_are_issued_only_for_a_village_and_a_possible_count(
    village: str, used: dict[str, int], code: str
) -> None:
    with pytest.raises(codes.CodeError) as caught:
        codes.next_code(village, GridKind.BASIC, used)
    assert caught.value.code == code


def test_micro_grids_are_numbered_inside_their_grid() -> None:
    assert codes.next_micro_code(GRID, 0) == GRID + "01"
    assert codes.next_micro_code(GRID, 98) == GRID + "99"
    with pytest.raises(CodesExhausted):
        codes.next_micro_code(GRID, 99)
    with pytest.raises(codes.WrongLength):
        codes.next_micro_code(MICRO, 0)
    with pytest.raises(CodesExhausted):
        codes.next_micro_code(GRID, 0, SCHEME_DB11)
    with pytest.raises(codes.NumberOutOfRange):
        codes.next_micro_code(GRID, -1)
