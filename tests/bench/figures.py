"""Figures of a county's year against the same aggregation in plain SQL over its cases.

The plain SQL leaves out what it could not answer in a minute: which cases came back.
"""

from __future__ import annotations

import json
from datetime import timedelta
from urllib.parse import urlencode

from geo.data import COUNTY
from service.kit import clock
from tests.bench import bulk, wire
from tests.bench.measure import Aim, Bench, Measure, Side
from tests.bench.pgbench import Script
from tests.bench.sample import BenchError

SQL = "SQL over the cases"
YEAR = timedelta(days=364)
PARTS = (None, "month", "township", "village")
# A tenth of a second on the average is half of what is promised.
LEAST_A_SECOND = 10.0


def year(bench: Bench) -> Measure:
    """All indicators of the county over the last 365 days, for its dispatchers."""
    with bench.data.connect() as connection:
        bulk.count_figures(connection, clock.now())
    last = clock.local(clock.now()).date()
    period = {"first": str(last - YEAR), "last": str(last), "county": COUNTY}
    sides = [bench.sql(SQL, Script("indicators", period, {}))]
    tokens = [bench.server.token(a) for a in bench.data.accounts("county_dispatcher")]
    for group_by in PARTS:
        asked = {"from": period["first"], "to": period["last"]}
        if group_by:
            asked["group_by"] = group_by
        requests = [wire.get(f"/v1/indicators?{urlencode(asked)}", token) for token in tokens]
        _check(bench, requests[0])
        label = f"service, by {group_by}" if group_by else "service"
        run = bench.replay(lambda _seconds, all_=requests: all_, 1, once=False)
        sides.append(Side(label, 1, run, is_service=True))
    aims = [
        Aim("service", SQL, 20),
        *(Aim(side.label, least=LEAST_A_SECOND) for side in sides[1:-1]),
    ]
    return Measure("indicators", "All indicators of a county's year", "answers", sides, aims)


def _check(bench: Bench, request: bytes) -> None:
    """Answers with next to no case in them would measure nothing."""
    status, body = bench.server.send(request)
    if status != 200:
        raise BenchError(f"indicators were answered {status}: {body[:500]!r}")
    found = {i["code"]: i["denominator"] for i in json.loads(body)["indicators"]}
    if found["own_discovery"] < min(bench.data.closed, 400_000):
        raise BenchError(f"too few cases in the figures: {found}")
