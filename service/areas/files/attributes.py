"""What the fields of a file mean: names in English or Chinese, cut at ten characters or not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from geo.codes import CodeError, Level, level_of
from service.areas.files.errors import AttributeAmbiguous, AttributeMissing
from service.areas.files.layer import Layer, RawFeature

# A .dbf cuts names at ten characters, so the beginnings count too.
FIELDS: dict[str, tuple[str, ...]] = {
    "village_code": ("village_code", "village_co", "village", "村编码", "村代码", "村级编码"),
    "kind": ("kind", "type", "网格类型", "类型"),
    "name": ("name", "网格名称", "名称"),
    "households": ("households", "户数"),
    "parent": ("parent", "parent_ref", "上级网格", "所属网格"),
    "grid_code": ("grid_code", "网格编码", "网格代码"),
    "ref": ("ref", "编号"),
}
KINDS: dict[str, str] = {
    "basic": "basic", "基础": "basic", "基础网格": "basic", "一般网格": "basic", "0": "basic",
    "dedicated": "dedicated", "专属": "dedicated", "专属网格": "dedicated",
    "专业网格": "dedicated", "8": "dedicated",
    "temporary": "temporary", "临时": "temporary", "临时网格": "temporary", "9": "temporary",
    "micro": "micro", "micro_grid": "micro", "微网格": "micro",
}  # fmt: skip
MAX_NAME = 200
MAX_HOUSEHOLDS = 100_000
NOT_A_COUNT = -1


@dataclass(frozen=True, slots=True)
class AttributeFault:
    """One value that cannot be used: a stable code and both texts."""

    code: str
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Attributes:
    """One feature's meaning; `name` is "" where none is given, `faults` what cannot be used."""

    village_code: str | None
    kind: str
    name: str
    households: int | None
    parent: str | None
    grid_code: str | None
    ref: str | None
    faults: tuple[AttributeFault, ...]


def columns_of(layer: Layer, area_code: str) -> dict[str, str]:
    """Which field of the file is which of ours.

    Raises AttributeAmbiguous, and AttributeMissing when polygons of several villages do not say
    theirs.
    """
    present = dict.fromkeys(name for feature in layer.features for name in feature.properties)
    found: dict[str, str] = {}
    for ours, aliases in FIELDS.items():
        same = [name for name in present if name.strip().lower() in aliases]
        if len(same) > 1:
            raise AttributeAmbiguous(found="、".join(same)[:200], pointer="/file")
        if same:
            found[ours] = same[0]
    if "village_code" not in found and level_of(area_code) is not Level.VILLAGE:
        others = "、".join(FIELDS["village_code"][1:])
        names = "、".join(present)[:200] or "–"
        raise AttributeMissing(field="village_code", aliases=others, found=names, pointer="/file")
    return found


def attributes_of(feature: RawFeature, columns: Mapping[str, str], area_code: str) -> Attributes:
    """The attributes of one feature of a delineation of `area_code`."""
    given = {ours: _text(feature.properties.get(theirs)) for ours, theirs in columns.items()}
    village = given.get("village_code") if "village_code" in columns else area_code
    misplaced = _village_fault(village, area_code)
    kind = KINDS.get((given.get("kind") or "basic").lower())
    name = given.get("name") or ""
    households = _count(given.get("households"))
    faults = [misplaced] if misplaced else []
    if kind is None:
        faults.append(_unknown_kind((given["kind"] or "")[:40]))
    if households is not None and not 0 <= households <= MAX_HOUSEHOLDS:
        faults.append(_bad_households((given["households"] or "")[:20]))
    if len(name) > MAX_NAME:
        faults.append(_long_name())
    return Attributes(
        village_code=None if misplaced else village,
        kind=kind or "basic",
        name=name[:MAX_NAME],
        households=None if households == NOT_A_COUNT else households,
        parent=given.get("parent"),
        grid_code=given.get("grid_code"),
        ref=given.get("ref"),
        faults=tuple(faults),
    )


def _village_fault(village: str | None, area_code: str) -> AttributeFault | None:
    if village is None:
        return AttributeFault(
            "village_missing",
            "未写明所属村（社区）编码 village_code",
            "the village_code is missing",
        )
    try:
        level = level_of(village)
    except CodeError as bad:
        return AttributeFault(
            "village_code_bad",
            f"村编码“{village[:30]}”：{bad.message_zh}",
            f"village code {village[:30]!r}: {bad.message}",
        )
    if level is not Level.VILLAGE:
        return AttributeFault(
            "village_not_one", f"{village} 不是村级编码", f"{village} is not the code of a village"
        )
    if not village.startswith(area_code):
        return AttributeFault(
            "village_outside_area",
            f"{village} 不在划分区域 {area_code} 内",
            f"{village} is not inside the area {area_code}",
        )
    return None


def _unknown_kind(shown: str) -> AttributeFault:
    return AttributeFault(
        "kind_unknown",
        f"网格类型“{shown}”不认识，应为 basic、dedicated、temporary 或 micro",
        f"the kind {shown!r} is unknown: basic, dedicated, temporary or micro",
    )


def _bad_households(shown: str) -> AttributeFault:
    return AttributeFault(
        "households_bad", f"户数“{shown}”应为非负整数", f"households {shown!r} is no count"
    )


def _long_name() -> AttributeFault:
    return AttributeFault(
        "name_too_long",
        f"名称超过 {MAX_NAME} 字",
        f"the name is longer than {MAX_NAME} characters",
    )


def _count(text: str | None) -> int | None:
    """A count of ASCII digits; NOT_A_COUNT for anything else that is there."""
    if text is None:
        return None
    return int(text) if text.isascii() and text.isdigit() and len(text) < 12 else NOT_A_COUNT


def _text(value: Any) -> str | None:
    """A value as text: whole numbers without a point, empty as None, storable characters only."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if value is None or isinstance(value, bool | dict | list):
        return None
    text = str(value).replace("\0", "").encode("utf-8", "ignore").decode().strip()
    return text or None
