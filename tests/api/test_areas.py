"""Divisions over HTTP."""

from __future__ import annotations

from tests.people import People


async def test_smoke(people: People) -> None:
    worker = people.make(("grid_worker", "511723001001"))
    for url in (
        "/v1/areas/511723?geometry=true", "/v1/areas/511723001001", "/v1/areas/511723001/children?geometry=true",
        "/v1/grids?area=511723001001&limit=2&geometry=true", "/v1/grids/511723001003005", "/v1/grids/511723001003005/versions", "/v1/grids/511723001003005/lineage",
        "/v1/grid-codes/511723001001001-3", "/v1/grid-codes/５11723001001001 ",
        "/v1/grids/locate?lon=107.8683&lat=31.0829&crs=wgs84", "/v1/grids/locate?lon=107.8683&lat=31.0829", "/v1/grids/locate?lon=nan&lat=31.0829&crs=wgs84",
        "/v1/grids/locate?lon=107.8683&lat=31.0829&crs=wgs84&as_of=2020-01-01T00:00:00Z",
        "/v1/delineations", "/v1/grids?bbox=107.8,31.0,107.9,31.1&limit=1&status=all",
    ):
        a = await worker.get(url)
        print(a.status_code, url, a.text[:1500], a.headers.get("etag"))
        assert a.status_code < 500
    a = await worker.post("/v1/grids/locate", {"crs": "gcj02", "points": [[107.8683, 31.0829], [1, 2], [107.87,31.08], [109.0, 31.0]]})
    print(a.status_code, a.text)
