"""Plays a scenario: moves the clock, sweeps, acts over HTTP, and holds every row to its result."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import httpx
import time_machine

from service.incidents.workflow import INCIDENT
from tests.flows.scenarios import joint, office, special, words
from tests.flows.scenarios.checking import automatic, check, event_name
from tests.flows.scenarios.reading import Row, Scenario
from tests.flows.scenarios.stage import Stage
from tests.people import Person

JSON = dict[str, Any]
HANDLED = ("arrive", "submit", "arrive-call", "sub-order-submit")
WORK: dict[str, Callable[[Any, Person, Row], Awaitable[httpx.Response]]] = {
    **office.WORK,
    **special.WORK,
    "查重": joint.duplicates,
}
SWEEP, LOOK, REPORT = "巡检", "查看", "上报"


class Player:
    """One scenario on one stage. `ids` are its cases by the name that the table gives them."""

    def __init__(self, stage: Stage, scenario: Scenario) -> None:
        self.stage = stage
        self.scenario = scenario
        self.ids: dict[str, str] = {}
        self.seen: dict[str, int] = {}
        self.activations: dict[str, str] = {}
        self.approvals: dict[str, str] = {}
        self.year = scenario.year

    async def play(self) -> None:
        """Play every row. Raises AssertionError that names the row."""
        first = self.scenario.rows[0].at
        with time_machine.travel(first, tick=False) as traveller:
            for row in self.scenario.rows:
                traveller.move_to(row.at)
                try:
                    await self._play(row)
                except AssertionError as wrong:
                    raise AssertionError(f"{row.told}\n{wrong}") from wrong
            await self._tell_the_whole()

    async def _play(self, row: Row) -> None:
        await self.stage.sweep()
        happened = {case: await self._news(case) for case in self.ids}
        by_itself = [event_name(e) for case in self.ids for e in happened[case]]
        if row.verb == SWEEP:
            case = self.case_of(row)
            mine = [event_name(event) for event in happened.get(case, [])]
            assert mine == automatic(row.results), f"the service did {mine}"
            answer = None
        else:
            assert not by_itself, f"before this the service did {by_itself}: give it a row"
            answer = await self._act(row)
        await self._hold(row, answer)

    async def _act(self, row: Row) -> httpx.Response:
        who = self.stage.person(row.who)
        if (work := WORK.get(row.verb)) is not None:
            return await work(self, who, row)
        if row.verb == REPORT:
            return await self._report(who, row)
        path = f"/v1/incidents/{self.ids[self.case_of(row)]}"
        if row.verb == LOOK:
            return await who.get(path)
        action = words.VERBS[row.verb]
        if action in joint.ORDER_STEPS:
            step, body = await joint.order_step(self, self.case_of(row), action, row.content)
            return await who.post(f"{path}/{step}", body)
        found = await joint.body(self, self.case_of(row), action, row.content)
        body = found if found is not None else self._body(action, row.content)
        return await who.post(f"{path}/{action}", body)

    async def _report(self, who: Person, row: Row) -> httpx.Response:
        category, *more = row.content.split("；")
        code, _, description = category.partition(" ")
        body = self.stage.place.body(category=code, description=description or "群众反映")
        for part in more:
            name, _, value = part.partition(" ")
            body |= {
                "自处置": {"self_handled": {"note": value}},
                "投诉": {"concerns_unit": self.stage.units.get(value)},
                "属于": {"activation": self.activations.get(value)},
            }[name]
        answer = await who.post("/v1/incidents", body)
        if answer.status_code == httpx.codes.CREATED:
            self.ids[row.case] = answer.json()["id"]
            self.seen[row.case] = 0
        return answer

    def _body(self, action: str, content: str) -> JSON:
        if action in ("assign", "transfer"):
            if content in self.stage.units:
                return {"unit": self.stage.units[content]}
            return {"account": str(self.stage.person(content).id)}
        head, _, rest = content.partition(" ")
        if action == "verify":
            return {"result": words.RESULTS[content]}
        if action == "follow-up":
            return {"satisfaction": words.SATISFACTION[content]}
        if action == "extend":
            return {"duration": head, "note": rest}
        if action in ("submit", "close") and head in words.OUTCOMES:
            return {"note": rest or head, "outcome": words.OUTCOMES[head]}
        return {"note": content} if content else {}

    async def _hold(self, row: Row, answer: httpx.Response | None) -> None:
        """The row's results are what is so now."""
        refused = [r for r in row.results if r[:3].isdigit()]
        if answer is not None:
            body = answer.json() if answer.content else {}
            told = f"{answer.status_code} {body.get('code', '')}".strip()
            assert answer.is_success or told in refused, f"refused: {answer.text}"
            assert not refused or told in refused, f"expected {refused}, got {told}"
        if self.ids and (rest := [r for r in row.results if r not in refused]):
            case = self.case_of(row)
            shown = await self.shown(case)
            actions: list[str] = []
            if row.who != words.SERVICE:
                mine = await self.stage.person(row.who).get(f"/v1/incidents/{self.ids[case]}")
                actions = mine.json().get("available_actions", [])
            for result in rest:
                check(result, shown, actions, self)
        if refused:
            fresh = {case: await self._news(case, whole=True) for case in self.ids}
            assert not any(fresh.values()), f"refused, but there are {fresh}"
        # What the service did on another case meanwhile waits for a row of its own.
        for case in [self.case_of(row)] if row.verb == SWEEP else self.ids:
            await self._news(case, whole=True)

    async def shown(self, case: str) -> JSON:
        """The case as the county's dispatcher sees it."""
        answer = await self.stage.person("县").get(f"/v1/incidents/{self.ids[case]}")
        assert answer.status_code == httpx.codes.OK, answer.text
        return dict(answer.json())

    async def timeline(self, case: str) -> list[JSON]:
        """All events of the case."""
        path = f"/v1/incidents/{self.ids[case]}/timeline"
        answer = await self.stage.person("县").get(path)
        assert answer.status_code == httpx.codes.OK, answer.text
        return list(answer.json()["items"])

    async def _news(self, case: str, *, whole: bool = False) -> list[JSON]:
        """The events since the last look; with `whole` they count as seen."""
        events = await self.timeline(case)
        fresh = events[self.seen[case] :]
        if whole:
            self.seen[case] = len(events)
        return fresh

    def area(self, name: str) -> str:
        """The code of the village, township or county of the place."""
        spot = self.stage.place.spot
        return {"村": spot.village, "乡镇": spot.township, "县": spot.county}[name]

    def case_of(self, row: Row) -> str:
        """The name of the case that a row is about: the only one, where it names none."""
        return row.case if row.case in self.ids else next(iter(self.ids))

    async def _tell_the_whole(self) -> None:
        """What is so of every life: the events explain the state, and who handled never judged."""
        for case in self.ids:
            events, shown = await self.timeline(case), await self.shown(case)
            assert [e["seq"] for e in events] == list(range(1, shown["version"] + 1))
            for before, after in pairwise(events):
                assert after["from_state"] == before["to_state"]
                assert _time(before) <= _time(after)
            assert events[-1]["to_state"] == shown["state"]
            handled = {e["actor_id"] for e in events if e["action"] in HANDLED}
            judged = {e["actor_id"] for e in events if e["action"] in ("verify", "close")}
            assert not handled & judged
            for event in events:
                assert set(event["clauses"]) >= set(INCIDENT.step(event["action"]).clauses)


def _time(event: JSON) -> datetime:
    return datetime.fromisoformat(event["recorded_at"]).astimezone(UTC)
