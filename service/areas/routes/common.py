"""What the routes of this room share."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from fastapi import Depends, Path, Query
from starlette.responses import Response

from service.auth.guards import holder_of
from service.auth.permissions import Permission
from service.auth.subject import Subject
from service.kit.fields import Moment

Reader = Annotated[Subject, Depends(holder_of(Permission.AREA_READ))]
AreaCode = Annotated[
    str, Path(description="Division code of 6, 9 or 12 digits", examples=["511723100"])
]
GridCode = Annotated[
    str,
    Path(
        description="Grid code, with or without its check character",
        examples=["511723100200001", "511723100200001-0"],
    ),
]
Geometry = Annotated[bool, Query(description="With the boundary, GeoJSON in EPSG:4490")]
AsOf = Annotated[Moment | None, Query(description="The state at this time, RFC 3339 with offset")]


def json_answer(content: Any, headers: dict[str, str] | None = None) -> Response:
    """200 with `content` as JSON."""
    return Response(msgspec.json.encode(content), 200, headers, "application/json")
