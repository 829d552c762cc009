"""Tracks over HTTP: only in an emergency, only of who is covered, only for a time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest
import time_machine
from fastapi import FastAPI

from service.config import Settings
from service.emergency.schemas.activations import TracksReceived
from service.jobs.app import make_queue
from service.jobs.tasks import jobs, purge_old_tracks
from service.jobs.upkeep import upkeep_for
from service.kit import clock
from service.kit.ids import uuid7
from tests.cases import spots
from tests.emergencies import JSON, Scene, history, refused
from tests.people import People


@pytest.fixture(scope="module")
def scenes(people: People, database_url: str) -> list[Scene]:
    return [Scene(people, spot, database_url) for spot in spots(database_url)]


@pytest.fixture
def scene(scenes: list[Scene], database_url: str) -> Iterator[Scene]:
    """A scene where nothing is in force, before and after."""
    yield scenes[0]
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "UPDATE activation SET state = 'ended', ended_at = greatest(now(), activated_at)"
            " WHERE state = 'in_force'"
        )


def point(scene: Scene, at: datetime | None = None, **changes: Any) -> JSON:
    """A point of the spot, at this moment."""
    return {**scene.at(), "at": (at or clock.now()).isoformat(), "accuracy_m": 5, **changes}


def stored(database_url: str, activation: JSON) -> int:
    with psycopg.connect(database_url) as connection:
        row = connection.execute(
            "SELECT count(*) FROM track_point WHERE activation_id = %s", (activation["id"],)
        ).fetchone()
    assert row is not None
    return int(row[0])


async def test_no_track_is_taken_outside_an_emergency(
    scene: Scene, scenes: list[Scene], database_url: str
) -> None:
    body = {"points": [point(scene)]}
    assert refused(await scene.worker.post("/v1/tracks", body)) == (403, "tracks_not_allowed")
    # Neither in a drill, nor while another area is activated.
    drill = await scene.started(drill=True)
    other = await scenes[1].started()
    assert refused(await scene.worker.post("/v1/tracks", body)) == (403, "tracks_not_allowed")
    named = {**body, "activation": drill["id"]}
    assert refused(await scene.worker.post("/v1/tracks", named)) == (403, "tracks_not_allowed")
    unseen = {**body, "activation": other["id"]}
    assert refused(await scene.worker.post("/v1/tracks", unseen)) == (422, "unknown_activation")
    unknown = {**body, "activation": str(uuid7())}
    assert refused(await scene.worker.post("/v1/tracks", unknown)) == (422, "unknown_activation")
    over = await scene.ended(await scene.started())
    ended = {**body, "activation": over["id"]}
    assert refused(await scene.worker.post("/v1/tracks", ended)) == (409, "activation_ended")
    assert stored(database_url, over) == 0


async def test_points_are_kept_while_the_worker_is_covered_and_each_once(
    scene: Scene, database_url: str
) -> None:
    made = await scene.started()
    body = {"points": [point(scene), point(scene, clock.now() + timedelta(seconds=1))]}
    first = await scene.worker.post("/v1/tracks", body)
    shown = TracksReceived.model_validate(first.json())
    assert (str(shown.activation), shown.stored, shown.duplicates, shown.rejected) == (
        made["id"], 2, 0, [],
    )  # fmt: skip
    again = (await scene.worker.post("/v1/tracks", body)).json()
    assert (again["stored"], again["duplicates"]) == (0, 2)
    key = {"Idempotency-Key": str(uuid7())}
    more = {"points": [point(scene)]}
    once = await scene.worker.post("/v1/tracks", more, headers=key)
    replay = await scene.worker.post("/v1/tracks", more, headers=key)
    assert once.json() == replay.json()
    other = await scene.worker.post("/v1/tracks", body, headers=key)
    assert refused(other) == (409, "idempotency_key_reused")
    assert stored(database_url, made) == 3


async def test_points_that_are_not_kept_are_named_with_the_reason(
    scene: Scene, database_url: str
) -> None:
    made = await scene.started()
    began = datetime.fromisoformat(made["activated_at"])
    points = [
        point(scene),
        point(scene, began - timedelta(seconds=1)),
        point(scene, clock.now() + timedelta(hours=1)),
        point(scene, crs=None),
        point(scene, lon=104.06, lat=30.67),
        point(scene, lon=0, lat=0),
    ]
    answer = await scene.worker.post("/v1/tracks", {"points": points})
    found = TracksReceived.model_validate(answer.json())
    assert (answer.status_code, found.stored) == (200, 1)
    assert [(r.index, r.code) for r in found.rejected] == [
        (1, "before_activation"), (2, "future_time"), (3, "crs_undeclared"),
        (4, "outside_county"), (5, "bad_position"),
    ]  # fmt: skip
    english = await scene.worker.post(
        "/v1/tracks", {"points": points}, headers={"accept-language": "en"}
    )
    assert english.json()["rejected"][0]["detail"].startswith("the time is before")
    declared = await scene.worker.post("/v1/tracks", {"crs": "gcj02", "points": [points[3]]})
    assert declared.json()["stored"] == 1
    assert stored(database_url, made) == 2


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"points": []},
        {"points": [{"lon": 107.8, "lat": 31.0, "crs": "cgcs2000"}]},
        {"points": [{"at": "2026-07-01T08:00:00", "lon": 107.8, "lat": 31.0, "crs": "wgs84"}]},
        {"points": [{"at": "2026-07-01T08:00:00Z", "lon": 1e9, "lat": 31.0, "crs": "wgs84"}]},
        {"points": [{"at": "2026-07-01T08:00:00Z", "lon": 107, "lat": 31, "crs": "wgs84"}] * 501},
    ],
)
async def test_a_batch_that_is_none_is_refused_whole(body: JSON, scene: Scene) -> None:
    await scene.started()
    assert refused(await scene.worker.post("/v1/tracks", body)) == (422, "invalid_input")


async def test_only_workers_leave_tracks_and_only_who_directs_there_reads_them(
    scene: Scene, scenes: list[Scene], people: People
) -> None:
    made = await scene.started(scene.county, area=scene.spot.county)
    for who in (scene, scenes[1]):
        assert (await who.worker.post("/v1/tracks", {"points": [point(who)]})).status_code == 200
    for nobody in (scene.village, scene.committee, scene.agent, scene.auditor):
        answer = await nobody.post("/v1/tracks", {"points": [point(scene)]})
        assert refused(answer) == (403, "forbidden")
    path = f"/v1/activations/{made['id']}/tracks"
    here, there = str(scene.worker.id), str(scenes[1].worker.id)
    for reader, seen in (
        (scene.county, {here, there}),
        (scene.township, {here}),
        (scene.village, {here}),
        (scene.committee, {here}),
        (scenes[1].village, {there}),
        (scene.handler, set()),
    ):
        items = (await reader.get(path)).json()["items"]
        assert {row["account"] for row in items} == seen
    for nobody in (scene.worker, scene.auditor, scene.administrator):
        assert refused(await nobody.get(path)) == (403, "forbidden")


async def test_tracks_are_paged_and_looking_at_them_is_stored(
    scene: Scene, database_url: str
) -> None:
    made = await scene.started()
    began = clock.now()
    points = [point(scene, began + timedelta(seconds=n)) for n in range(5)]
    await scene.worker.post("/v1/tracks", {"points": points})
    seen, cursor = [], ""
    while cursor is not None:
        more = f"&cursor={cursor}" if cursor else ""
        path = f"/v1/activations/{made['id']}/tracks?account={scene.worker.id}&limit=2{more}"
        page = (await scene.village.get(path)).json()
        seen += [datetime.fromisoformat(row["at"]) for row in page["items"]]
        cursor = page["next"]
    assert seen == [datetime.fromisoformat(p["at"]) for p in points]
    with psycopg.connect(database_url) as connection:
        rows = connection.execute(
            "SELECT actor_id, fields FROM personal_data_access WHERE subject_id = %s",
            (made["id"],),
        ).fetchall()
    assert rows == [(scene.village.id, "tracks")]
    chains = history(database_url, _track_case(database_url, scene))
    assert {event.event for event in chains} == {"track.received"}
    assert "107." not in str([event.payload for event in chains])


def _track_case(database_url: str, scene: Scene) -> str:
    with psycopg.connect(database_url) as connection:
        row = connection.execute(
            "SELECT case_id FROM case_event WHERE case_kind = 'track' AND actor_id = %s"
            " ORDER BY id DESC LIMIT 1",
            (scene.worker.id,),
        ).fetchone()
    assert row is not None
    return str(row[0])


async def test_the_wall_alone_refuses_a_track_that_no_emergency_covers(
    scene: Scene, app: FastAPI, database_url: str
) -> None:
    """Past the service's own rules, in SQL under the application's role."""
    over = await scene.ended(await scene.started())
    running = await scene.started()
    add = (
        "INSERT INTO track_point (activation_id, account_id, recorded_at, area_code, location,"
        " raw_x, raw_y, raw_crs, received_at) VALUES (%s, %s, {at}, %s,"
        " ST_SetSRID(ST_MakePoint(107.8, 31.1), 4490), 107.8, 31.1, 'cgcs2000', now())"
    )
    good = (running["id"], scene.worker.id, scene.spot.grid)
    bad = [
        (good[0], scene.second_worker.id, good[2], "now()"),
        (over["id"], good[1], good[2], "now()"),
        (good[0], good[1], scene.spot.village, "now()"),
        (*good, "now() - interval '1 day'"),
    ]
    with psycopg.connect(database_url) as connection:
        connection.execute("SET ROLE gridward_app")
        connection.execute(
            "SELECT set_config('gridward.actor', %s, false)", (str(scene.worker.id),)
        )
        for *values, at in bad:
            with pytest.raises(psycopg.errors.InsufficientPrivilege), connection.transaction():
                connection.execute(add.format(at=at), values)
        connection.execute(add.format(at="now()"), good)
        assert connection.execute("SELECT count(*) FROM track_point").fetchone() == (0,)
        with pytest.raises(psycopg.errors.InsufficientPrivilege), connection.transaction():
            connection.execute("DELETE FROM track_point")


async def test_tracks_are_deleted_thirty_days_after_the_end_and_not_before(
    scene: Scene, settings: Settings, database_url: str
) -> None:
    assert "emergency.purge_tracks" in {job.name for job in jobs(settings) if job.cron}
    running, over = await scene.started(scene.township, area=scene.spot.township), None
    await scene.worker.post("/v1/tracks", {"points": [point(scene)]})
    over = await scene.started(plan="511723-earthquake")
    named = {"activation": over["id"], "points": [point(scene)]}
    await scene.worker.post("/v1/tracks", named)
    over = await scene.ended(over)
    ended = datetime.fromisoformat(over["ended_at"])
    queue = make_queue(settings.dsn, jobs(settings))
    async with queue.open_async(), upkeep_for(settings, queue) as upkeep:
        for days, kept in ((29, 1), (30, 0)):
            with time_machine.travel(ended + timedelta(days=days, minutes=1)):
                await purge_old_tracks(upkeep)
            assert stored(database_url, over) == kept
        with time_machine.travel(ended + timedelta(days=999)):
            await purge_old_tracks(upkeep)
    assert stored(database_url, running) == 1
    with psycopg.connect(database_url) as connection:
        row = connection.execute(
            "SELECT payload FROM case_event WHERE event = 'track.deleted' AND"
            " payload ->> 'activation' = %s",
            (over["id"],),
        ).fetchone()
    assert row is not None
    assert row[0]["points"] == 1
    await scene.ended(running, scene.township)
