"""Where something is, as a client states it: with its coordinate system, always."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from geo.positions import Crs
from service.kit.fields import Strict

Lon = Annotated[float, Field(ge=-180, le=180, examples=[107.8683])]
Lat = Annotated[float, Field(ge=-90, le=90, examples=[31.0829])]
Accuracy = Annotated[float, Field(ge=0, le=1_000_000)]


class Position(Strict):
    """A position and the system it is in; an undeclared system is never guessed."""

    lon: Lon
    lat: Lat
    crs: Crs = Field(description="cgcs2000, wgs84, gcj02 (Gaode, Tencent) or bd09 (Baidu)")
    accuracy_m: Accuracy | None = None

    @model_validator(mode="before")
    @classmethod
    def _declared(cls, value: Any) -> Any:
        if isinstance(value, dict) and value.get("crs") in (None, ""):
            raise PydanticCustomError(
                "crs_undeclared",
                "The position does not say its crs: give cgcs2000, wgs84, gcj02 or bd09",
                {"zh": "位置未声明坐标系 crs：请注明 cgcs2000、wgs84、gcj02 或 bd09"},
            )
        return value
