"""Input types that every room's schemas share."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
)
from pydantic_core import PydanticCustomError

_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


def _storable(value: str) -> str:
    """Refuse what PostgreSQL and UTF-8 cannot hold: NUL and lone surrogates."""
    if _UNSTORABLE.search(value):
        raise PydanticCustomError("string_unicode", "The text holds NUL or a lone surrogate")
    return value


_Storable = AfterValidator(_storable)

Phone = Annotated[str, StringConstraints(pattern=r"^\+?[0-9-]{5,20}$")]
Text50 = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=50), _Storable
]
Text200 = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200), _Storable
]
Text2000 = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000), _Storable
]
LongText = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=10_000), _Storable
]
# Times outside of these bounds overflow as soon as they are moved to another offset.
EARLIEST = datetime(1900, 1, 1, tzinfo=UTC)
LATEST = datetime(2200, 1, 1, tzinfo=UTC)
Moment = Annotated[AwareDatetime, Field(ge=EARLIEST, le=LATEST)]


def _a_box(value: str) -> str:
    west, south, east, north = box_of(value)
    if not (-180 <= west < east <= 180 and -90 <= south < north <= 90):
        raise PydanticCustomError(
            "bbox",
            "Give west,south,east,north with west < east and south < north",
            {"zh": "应为 西,南,东,北，且西小于东、南小于北"},
        )
    return value


def box_of(text: str) -> tuple[float, float, float, float]:
    """West, south, east, north of a bounding box that `BoundingBox` has let pass."""
    west, south, east, north = map(float, text.split(","))
    return west, south, east, north


_NUMBER = r"-?[0-9]{1,3}(?:\.[0-9]{1,20})?"
BoundingBox = Annotated[
    str,
    StringConstraints(pattern=rf"^{_NUMBER},{_NUMBER},{_NUMBER},{_NUMBER}$"),
    AfterValidator(_a_box),
]
AreaPrefix = Annotated[str, StringConstraints(pattern=r"^([0-9]{6}|[0-9]{9}|[0-9]{12}|[0-9]{15})$")]


class Strict(BaseModel):
    """A body that refuses unknown members, NaN and infinity."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)
