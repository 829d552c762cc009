"""Input types that the parts of this room share."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field, StringConstraints

from geo.positions import Crs
from service.kit.fields import Phone, Strict, Text50

Code = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9-]{1,49}$")]
Key = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z_]{1,29}$")]
UnitCode = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z][0-9A-Za-z._-]{1,59}$")]
DivisionPrefix = Annotated[str, StringConstraints(pattern=r"^([0-9]{6}|[0-9]{9}|[0-9]{12})$")]


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
