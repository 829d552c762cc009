"""Input types that the parts of this room share."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from geo.positions import Crs
from service.kit.fields import Strict, Text50

Code = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9-]{1,49}$")]
Key = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z_]{1,29}$")]
UnitCode = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z][0-9A-Za-z._-]{1,59}$")]
DivisionPrefix = Annotated[str, StringConstraints(pattern=r"^([0-9]{6}|[0-9]{9}|[0-9]{12})$")]
Phone = Annotated[str, StringConstraints(pattern=r"^\+?[0-9-]{5,20}$")]
Lon = Annotated[float, Field(ge=-180, le=180, examples=[107.8683])]
Lat = Annotated[float, Field(ge=-90, le=90, examples=[31.0829])]
Accuracy = Annotated[float, Field(ge=0, le=1_000_000)]


class DeclaredPosition(Strict):
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


class ResourceContact(Strict):
    """Who answers for a resource: personal data, stored encrypted, shown masked."""

    name: Text50 | None = None
    phone: Phone | None = None


class GivenPosition(BaseModel):
    """The position as it was given, in the system that was declared."""

    x: float = Field(examples=[107.8701])
    y: float = Field(examples=[31.0801])
    crs: Crs
    accuracy_m: float | None
