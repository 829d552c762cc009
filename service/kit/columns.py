"""Column types that the rooms' tables share."""

from __future__ import annotations

from typing import Any

from geoalchemy2 import Geometry
from sqlalchemy import ARRAY, DateTime, Text
from sqlalchemy.dialects.postgresql import JSONB, UUID
from sqlalchemy.dialects.postgresql.base import ischema_names
from sqlalchemy.types import UserDefinedType

# Codes compare byte by byte, so that "inside" is a prefix range in an index.
CODE = Text(collation="C")
CODES = ARRAY(Text(collation="C"))
TEXT = Text()
MOMENT = DateTime(timezone=True)
JSON = JSONB()
IDS = ARRAY(UUID(as_uuid=True))


def geometry(kind: str, srid: int = 4490) -> Any:
    """A geometry column type; its GiST index is named in the model, never implied."""
    return Geometry(kind, srid=srid, spatial_index=False)


class XID8(UserDefinedType[int]):
    """A transaction's id, which never wraps around (PostgreSQL's xid8)."""

    cache_ok = True

    def get_col_spec(self, **_options: Any) -> str:
        """The type's name."""
        return "xid8"


# So that a drift check knows the type when it reads it back.
ischema_names["xid8"] = XID8
