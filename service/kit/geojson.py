"""GeoJSON (RFC 7946) as several rooms show it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field


class Point(BaseModel):
    """GeoJSON point, lon lat, EPSG:4490."""

    type: Literal["Point"]
    coordinates: Annotated[list[float], Field(min_length=2, max_length=2)] = Field(
        examples=[[107.8683, 31.0867]]
    )
