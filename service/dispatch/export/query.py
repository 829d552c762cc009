"""What an export of a list may be asked for: the filters of the list that it takes."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from service.dispatch.query import QueueFilters
from service.incidents.query import IncidentQuery
from service.kit.fields import Moment, Text200

ONLY_QUEUE = ("colour", "unit", "mine", "drill")
ONLY_INCIDENTS = ("open", "since", "until", "q")


class ExportQuery(QueueFilters):
    """Filters of an export: those of the queue, or those of the list of incidents."""

    source: Literal["queue", "incidents"] = Field(
        default="queue", description="What waits for the caller, or all that it may read"
    )
    open: bool = Field(default=False, description="incidents: only what is unfinished")
    since: Moment | None = Field(default=None, description="incidents: reported at or after")
    until: Moment | None = Field(default=None, description="incidents: reported before")
    q: Text200 | None = Field(default=None, description="incidents: text in the description")

    @model_validator(mode="after")
    def _filters_of_the_source(self) -> ExportQuery:
        others = ONLY_INCIDENTS if self.source == "queue" else ONLY_QUEUE
        for name in others:
            if name in self.model_fields_set:
                raise PydanticCustomError(
                    "filter_of_other_source",
                    "{name} does not narrow the source {source}",
                    {"name": name, "source": self.source, "zh": "{source} 不支持筛选条件 {name}"},
                )
        return self

    def incidents(self) -> IncidentQuery:
        """What the list of incidents is narrowed to."""
        shared = ("area", "tier", "state", "level", "category", *ONLY_INCIDENTS)
        given = {name: getattr(self, name) for name in shared if name in self.model_fields_set}
        return IncidentQuery(**given)

    def described(self) -> dict[str, Any]:
        """The filters for the record of the export, JSON-ready."""
        return self.model_dump(mode="json", exclude_defaults=True) | {"source": self.source}
