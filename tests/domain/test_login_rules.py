"""Rules of logging in and of giving roles, as tables."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.auth import credentials
from service.auth.guesses import UnknownLogins
from service.auth.password_rules import (
    IS_COMMON,
    IS_LOGIN,
    IS_PATTERN,
    TOO_LONG,
    TOO_SHORT,
    Weakness,
    prepared,
    weakness,
)
from service.auth.permissions import Role
from service.auth.rules import (
    ROLE_AREAS,
    Placement,
    Presented,
    Verdict,
    judge_refresh,
    may_administer,
    misplacement,
    period,
    reach,
)

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


LATER = ago(-3600)
# device bound to · used · revoked · expires · successors untouched · device given -> verdict
REFRESHES: list[
    tuple[str | None, datetime | None, datetime | None, datetime, bool, str | None, Verdict]
] = [
    (None, None, None, LATER, True, None, Verdict.ROTATE),
    (None, None, None, LATER, True, "any", Verdict.ROTATE),
    ("a", None, None, LATER, True, "a", Verdict.ROTATE),
    ("a", None, None, LATER, True, "b", Verdict.OTHER_DEVICE),
    ("a", None, None, LATER, True, None, Verdict.OTHER_DEVICE),
    ("a", ago(5), None, LATER, True, "b", Verdict.OTHER_DEVICE),
    (None, None, None, NOW, True, None, Verdict.EXPIRED),
    (None, None, ago(1), LATER, True, None, Verdict.REUSED),
    (None, ago(30), None, LATER, True, None, Verdict.REPEAT),
    ("a", ago(30), None, LATER, True, "a", Verdict.REPEAT),
    (None, ago(30), None, LATER, True, "new", Verdict.REUSED),
    (None, ago(30.001), None, LATER, True, None, Verdict.REUSED),
    (None, ago(1), None, LATER, False, None, Verdict.REUSED),
    (None, ago(1), ago(1), LATER, True, None, Verdict.REUSED),
    (None, ago(10), None, ago(1), True, None, Verdict.EXPIRED),
]


@pytest.mark.parametrize("row", REFRESHES)
def test_a_refresh_token_is_judged_by_this_table(
    row: tuple[str | None, datetime | None, datetime | None, datetime, bool, str | None, Verdict],
) -> None:
    bound, used, revoked, expires, untouched, given_device, verdict = row
    token = Presented(bound, expires, used, revoked, untouched)
    assert judge_refresh(token, device_id=given_device, now=NOW) is verdict


PASSWORDS: dict[str, Weakness | None] = {
    "": TOO_SHORT,
    "ninechars": TOO_SHORT,
    "x9" * 65: TOO_LONG,
    "zhangsan01": IS_LOGIN,
    "ZhangSan01!!": IS_LOGIN,
    "10nasgnahz": IS_LOGIN,
    "zhangsan01zhangsan01": IS_LOGIN,
    "aaaaaaaaaaaa": IS_PATTERN,
    "1212121212": IS_PATTERN,
    "abcabcabcabc": IS_PATTERN,
    "0123456789": IS_PATTERN,
    "9876543210": IS_PATTERN,
    "qwertyuiopas": IS_PATTERN,
    "１２３４５６７８９０": IS_PATTERN,
    "password123": IS_COMMON,
    "P@ssw0rd2026": IS_COMMON,
    "Admin@2026!": IS_COMMON,
    "woaini5201314": IS_COMMON,
    "kaijiang2026": IS_COMMON,
    "gridward!!1": IS_COMMON,
    "a1b2c3d4e5": IS_COMMON,
    "correct horse battery": None,
    "小桥流水人家古道西风": None,
    "zhangsan01 likes tea": None,
    "password of seven more": None,
    "k7-Vq9_mzt": None,
}


@pytest.mark.parametrize("password", PASSWORDS)
def test_a_password_is_refused_for_this_reason(password: str) -> None:
    assert weakness(password, "zhangsan01") == PASSWORDS[password]


def test_generated_passwords_are_never_refused() -> None:
    made = {credentials.new_password() for _ in range(300)}
    assert len(made) == 300
    assert all(weakness(password, "zhangsan01") is None for password in made)


@settings(deadline=None, max_examples=200)
@given(st.text(max_size=140), st.text(max_size=20))
def test_any_text_is_judged_without_failing(password: str, login: str) -> None:
    found = weakness(password, login)
    assert found is None or (found.zh and found.en)


def test_full_width_and_half_width_digits_are_one_password() -> None:
    assert prepared("ＡＢ１２ 口令") == prepared("AB12 口令")


def test_a_client_secret_matches_only_itself() -> None:
    secret = credentials.new_token(credentials.CLIENT_PREFIX)
    assert credentials.secret_matches(secret, credentials.stored_secret(secret))
    assert not credentials.secret_matches(secret + "x", credentials.stored_secret(secret))
    assert not credentials.secret_matches(secret, None)


def test_guesses_at_an_unknown_login_lock_and_count_anew_after_the_lock() -> None:
    logins = UnknownLogins(most=3, seconds=60)
    assert [logins.take("ghost", NOW) for _ in range(3)] == [None] * 3
    assert logins.take("ghost", NOW) == NOW + timedelta(seconds=60)
    assert logins.take("other", NOW) is None
    after = NOW + timedelta(seconds=60)
    assert [logins.take("ghost", after) for _ in range(3)] == [None] * 3
    assert logins.take("ghost", after) is not None


AREAS = {6: "511723", 9: "511723100", 12: "511723100200", 15: "511723100200001"}
# Digits of the area for which a role can be given.
PLACES = {
    "grid_worker": {12, 15},
    "proxy_agent": {9, 12, 15},
    "village_dispatcher": {12},
    "township_dispatcher": {9},
    "county_dispatcher": {6},
    "unit_handler": {6, 9, 12},
    "auditor": {6, 9, 12},
    "administrator": {6, 9},
    "integration_client": {6, 9, 12},
}


@pytest.mark.parametrize(("role", "digits"), list(product(Role, AREAS)))
def test_a_role_is_given_at_its_own_level_only(role: Role, digits: int) -> None:
    kind = "system" if role is Role.INTEGRATION_CLIENT else "person"
    placed = Placement(kind, role, AREAS[digits], "511723")
    assert (misplacement(placed) is None) is (digits in PLACES[role.value])
    assert set(ROLE_AREAS[role]) == PLACES[role.value]


@pytest.mark.parametrize(
    ("kind", "role", "area", "unit_area", "fits"),
    [
        ("system", Role.INTEGRATION_CLIENT, "511723", None, True),
        ("person", Role.INTEGRATION_CLIENT, "511723", None, False),
        ("system", Role.COUNTY_DISPATCHER, "511723", None, False),
        ("person", Role.UNIT_HANDLER, "511723100", None, False),
        ("person", Role.UNIT_HANDLER, "511723100", "511723", True),
        ("person", Role.UNIT_HANDLER, "511723", "511723100", False),
        ("person", Role.VILLAGE_DISPATCHER, "511723100200", "511723", True),
    ],
)
def test_a_role_fits_the_kind_of_account_and_the_unit(
    kind: str, role: Role, area: str, unit_area: str | None, *, fits: bool
) -> None:
    assert (misplacement(Placement(kind, role, area, unit_area)) is None) is fits


def test_a_units_handler_reaches_as_far_as_the_unit() -> None:
    assert reach(Role.UNIT_HANDLER, "511723100", "511723") == "511723"
    assert reach(Role.VILLAGE_DISPATCHER, "511723100200", "511723") == "511723100200"


@pytest.mark.parametrize(
    ("home", "reaches", "may"),
    [
        ("511723100", (), True),
        ("511723100200", ("511723100200001", "511723100"), True),
        ("511723", (), False),
        ("511723101", (), False),
        ("511723100", ("511723",), False),
        ("511723100", ("511723100", "511723101200"), False),
    ],
)
def test_an_account_is_administered_where_all_of_it_lies(
    home: str, reaches: tuple[str, ...], *, may: bool
) -> None:
    assert may_administer(home, reaches, ("511723100",)) is may


@pytest.mark.parametrize(
    ("start", "end", "stored"),
    [
        (None, None, (NOW, None)),
        (ago(60), None, (NOW, None)),
        (LATER, None, (LATER, None)),
        (None, LATER, (NOW, LATER)),
        (LATER, LATER, None),
        (None, NOW, None),
        (None, ago(60), None),
        (ago(600), None, None),
    ],
)
def test_a_period_begins_now_or_later_and_is_not_empty(
    start: datetime | None, end: datetime | None, stored: tuple[datetime, datetime | None] | None
) -> None:
    assert period(start, end, NOW) == stored
