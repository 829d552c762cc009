"""EXIF: where and when a photo was taken, and the block that may stay."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from geo.crs import Crs, from_canonical
from service.attachments.exif import ExifFacts, orientation_only, read_exif
from tests import files

PLACE = (pytest.approx(files.LON, abs=1e-6), pytest.approx(files.LAT, abs=1e-6))
NOON = datetime(2026, 3, 5, 6, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("block", "position"),
    [
        (files.exif(datum=None), PLACE),
        (files.exif(datum="WGS-84"), PLACE),
        (files.exif(datum="CGCS2000"), PLACE),
        (files.exif(datum="TOKYO"), None),
        (files.exif(-74.0, 40.7), None),
        (files.exif(0.0, 0.0), None),
        (files.exif(None, None), None),
        (files.exif(files.LON, -files.LAT), None),
    ],
    ids=[
        "no datum",
        "WGS 84",
        "CGCS2000",
        "unknown datum",
        "abroad",
        "null island",
        "none",
        "south",
    ],
)
def test_a_position_counts_when_its_datum_and_country_are_ours(
    block: bytes, position: tuple[float, float] | None
) -> None:
    assert read_exif(block).taken.position == position


def test_a_camera_that_notes_gcj02_is_converted() -> None:
    shifted = from_canonical(files.LON, files.LAT, Crs.GCJ02)
    assert abs(shifted[0] - files.LON) > 0.002
    assert read_exif(files.exif(*shifted, datum="GCJ-02")).taken.position == PLACE


@pytest.mark.parametrize(
    ("taken", "offset", "expected"),
    [
        ("2026:03:05 14:30:00", "+08:00", NOON),
        ("2026:03:05 14:30:00", None, NOON),
        ("2026:03:05 06:30:00", "+00:00", NOON),
        ("2026:03:05 01:00:00", "-05:30", NOON),
        ("2026:03:05 14:30:00", "nonsense", NOON),
        ("2026:03:05 14:30:00", "+99:00", NOON),
        ("0000:00:00 00:00:00", None, None),
        ("1980:01:01 00:00:00", None, None),
        ("2026-03-05", None, None),
        (None, None, None),
    ],
)
def test_the_capture_time_has_the_cameras_offset_or_chinas(
    taken: str | None, offset: str | None, expected: datetime | None
) -> None:
    assert read_exif(files.exif(taken=taken, offset=offset)).taken.captured_at == expected


@settings(deadline=None, max_examples=200)
@given(st.binary(max_size=200), st.integers(0, 300), st.integers(0, 255))
def test_a_broken_exif_block_holds_no_facts_and_breaks_nothing(
    noise: bytes, at: int, value: int
) -> None:
    assert 1 <= read_exif(noise).orientation <= 8
    block = bytearray(files.exif())
    block[6 + at % (len(block) - 6)] = value
    facts = read_exif(bytes(block))
    assert 1 <= facts.orientation <= 8
    assert 1 <= read_exif(bytes(block[: 6 + at % len(block)])).orientation <= 8


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_block_that_stays_holds_the_orientation_alone(orientation: int) -> None:
    left = Image.Exif()
    left.load(orientation_only(orientation))
    assert dict(left) == {0x0112: orientation}
    assert read_exif(orientation_only(orientation)) == ExifFacts(orientation)


def test_offsets_are_read_as_cameras_write_them() -> None:
    facts = read_exif(files.exif(offset="-03:30"))
    assert facts.taken.captured_at is not None
    assert facts.taken.captured_at.tzinfo == timezone(timedelta(hours=-3, minutes=-30))
