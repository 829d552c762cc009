"""Whether a dispatch from the county stays inside the list of whom it goes to. Pure.

A township (tier 3) is judged by the township list (35.2), a village or community (tier 2) by the
community list (25.1, 35.4). A dispatch that comes from below the county, or goes elsewhere, is
judged by no list; nor is one of a kind of which no list was ever published.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from service.duties.errors import OutsideDutyList
from service.duties.lists.cache import DutySnapshot
from service.duties.lists.rules import RECOVERED, TOWNSHIP_DIGITS, VILLAGE_DIGITS, Entry
from service.duties.workflow import COMMUNITY_CLAUSES, TOWNSHIP_CLAUSES

Ground = Literal["not_applicable", "no_list", "listed", "approved", "outside"]
COUNTY_TIER = 4
KIND_BY_TIER = {3: "township", 2: "community"}
TIER_BY_DIGITS = {TOWNSHIP_DIGITS: 3, VILLAGE_DIGITS: 2}
WITHIN = {"township": "35.3", "community": "35.4"}
CLAUSES = {"township": TOWNSHIP_CLAUSES, "community": COMMUNITY_CLAUSES}
NAMES = {"township": ("乡镇（街道）", "township"), "community": ("村（社区）", "community")}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is to be said to one dispatch, on which ground, by which item of which version."""

    ground: Ground
    category: str
    area: str
    kind: str | None = None
    list_version: int | None = None
    item: Entry | None = None
    approval_id: UUID | None = None

    @property
    def allowed(self) -> bool:
        """Whether the dispatch may go on; by an approval only once that is used."""
        return self.ground != "outside"

    @property
    def clause(self) -> str | None:
        """The clause that decides: of keeping to the list, or of what lies outside it."""
        if self.kind is None:
            return None
        return WITHIN[self.kind] if self.ground == "listed" else CLAUSES[self.kind][0]

    def require(self) -> None:
        """Pass when it is allowed. Raises OutsideDutyList."""
        if not self.allowed:
            assert self.kind is not None
            zh, en = NAMES[self.kind]
            raise OutsideDutyList(
                category=self.category, area=self.area, name_zh=zh, name_en=en,
                why_zh="已由上级收回" if self.item else "不在清单内",
                why_en="was taken back by the county" if self.item else "is not on the list",
                clause=self.clause,
                extra={"clauses": list(CLAUSES[self.kind]), "list_version": self.list_version,
                       "item": self.item.code if self.item else None},
            )  # fmt: skip


def judge(
    snapshot: DutySnapshot, *, category: str, from_tier: int, target_area: str, target_tier: int
) -> Verdict:
    """The verdict of the lists in force alone; an approval may still overrule `outside`.

    Tiers are response tiers: 2 village or community, 3 township, 4 county; `target_area` is 9 or
    12 digits, or longer for what lies in a village.
    """
    kind = KIND_BY_TIER.get(target_tier)
    if from_tier < COUNTY_TIER or kind is None:
        return Verdict("not_applicable", category, target_area)
    found = snapshot.by_kind.get(kind)
    if found is None:
        return Verdict("no_list", category, target_area, kind)
    item = found.covering(category, target_area)
    listed = item is not None and item.section_in(target_area) != RECOVERED
    ground: Ground = "listed" if listed else "outside"
    return Verdict(ground, category, target_area, kind, found.version, item)
