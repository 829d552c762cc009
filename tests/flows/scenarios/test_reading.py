"""The tables themselves: what is wrong in one is told, and together they play everything."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from service.incidents.workflow import INCIDENT
from tests.flows.scenarios import words
from tests.flows.scenarios.checking import COUNTED, UNANSWERED, is_automatic
from tests.flows.scenarios.playing import Player
from tests.flows.scenarios.reading import Scenario, moment, read, scenarios
from tests.flows.scenarios.stage import Stage

ALL = scenarios()
ENOUGH = 60
HEAD = "## 试\n| 时间 | 谁 | 操作 | 内容 | 结果 |\n|---|---|---|---|---|\n"


def table(*rows: str) -> Scenario:
    """The scenario of these rows."""
    [found] = read(HEAD + "\n".join(rows))
    return found


def test_times_are_chinas_and_the_year_goes_on() -> None:
    found = table(
        "| 12-31 23:59:30 | 系统 | 巡检 | | 无动作 |",
        "| 2027-01-01 00:00 | 系统 | 巡检 | | 无动作 |",
        "| 01-02 08:00 | 村 | 受理 甲 | | 已受理；村级 |",
    )
    assert [row.at for row in found.rows] == [
        datetime(2026, 12, 31, 15, 59, 30, tzinfo=UTC),
        datetime(2026, 12, 31, 16, 0, tzinfo=UTC),
        datetime(2027, 1, 2, 0, 0, tzinfo=UTC),
    ]
    assert (found.rows[2].verb, found.rows[2].case) == ("受理", "甲")
    assert found.rows[2].results == ("已受理", "村级")


@pytest.mark.parametrize(
    "rows",
    [
        ["| 3-4 09:00 | 村 | 受理 | | 已受理 |"],
        ["| 03-04 09:00 | 村 | 受理 | 已受理 |"],
        ["| 03-04 09:00 | 村 | 受理 | | |", "| 03-04 08:59:59 | 村 | 派遣 | 住建局 | |"],
        ["没有表"],
    ],
)
def test_a_table_that_cannot_be_read_is_told(rows: list[str]) -> None:
    with pytest.raises(ValueError, match=r"line|rows"):
        table(*rows)


def test_a_time_without_a_zone_is_no_time() -> None:
    with pytest.raises(ValueError, match="not a time"):
        moment("2026-03-04T09:00", 2026)


@pytest.mark.parametrize(
    "last",
    [
        "| 03-04 09:10 | 网格员 | 受理 | | 已派遣 |",
        "| 03-04 09:10 | 网格员 | 受理 | | 限于 03-05 09:00:01 |",
        "| 03-04 09:10 | 网格员 | 受理 | | 村级 |",
        "| 03-04 09:10 | 网格员 | 受理 | | 红色 |",
        "| 03-04 09:10 | 网格员 | 受理 | | 403 forbidden |",
        "| 03-04 09:10 | 村 | 结案 | | 已结案 |",
        "| 03-04 09:10 | 村 | 结案 | | 409 not_verified |",
        "| 03-04 11:48 | 系统 | 巡检 | | 无动作 |",
        "| 03-04 11:48 | 系统 | 巡检 | | 超时 受理 |",
        "| 03-04 11:48 | 网格员 | 受理 | | 已受理 |",
    ],
)
async def test_a_life_that_goes_another_way_than_its_table_fails(stage: Stage, last: str) -> None:
    told = table("| 03-04 09:00 | 网格员 | 上报 | 0605 公厕堵塞 | 已上报 |", last)
    with pytest.raises(AssertionError, match=r"line 5"):
        await Player(stage, told).play()


@pytest.mark.parametrize("result", ["已经受理", "黑色", "由 张三", "可 起飞"])
async def test_a_word_that_nobody_knows_is_no_result(stage: Stage, result: str) -> None:
    told = table(f"| 03-04 09:00 | 网格员 | 上报 | 0605 公厕堵塞 | {result} |")
    with pytest.raises((KeyError, IndexError)):
        await Player(stage, told).play()


def test_the_lives_are_many_and_each_is_told_once() -> None:
    assert len(ALL) >= ENOUGH
    assert len({scenario.rows for scenario in ALL}) == len(ALL)


def test_every_button_is_pressed_and_every_alarm_goes_off() -> None:
    rows = [row for scenario in ALL for row in scenario.rows]
    pressed = {row.verb for row in rows if not any(r[:3].isdigit() for r in row.results)}
    buttons = {s.zh for s in INCIDENT.steps if not s.automatic}
    assert buttons - pressed == set()
    told = {result for row in rows for result in row.results if is_automatic(result)}
    limits = set(words.CLOCK_OF) - {"层级", "呼叫"}
    marks = {f"{verb} {limit}" for verb in words.BY_ITSELF for limit in limits}
    assert told >= marks | {"预警 层级", "升级 村级", "升级 乡镇级", "升级 县级"}
    assert told >= {COUNTED, UNANSWERED, "督办 呼叫"}
