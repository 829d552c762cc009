"""Files of every format: the type is proven, no note of a position is left in the stored bytes."""

from __future__ import annotations

import contextlib
import io
import wave
from dataclasses import replace
from datetime import UTC, datetime
from tempfile import TemporaryFile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from geo.crs import CHINA_BOX
from service.attachments.examine import Examined, examine
from service.attachments.exif import read_exif
from service.attachments.file_types import Limits
from service.attachments.formats.sound import ogg_crc
from service.errors import AppError
from tests import files

LIMITS = Limits(photo=2_000_000, audio=2_000_000, video=2_000_000, document=2_000_000)
PLACE = (pytest.approx(files.LON, abs=1e-6), pytest.approx(files.LAT, abs=1e-6))
NOON = datetime(2026, 3, 5, 6, 30, tzinfo=UTC)
# What must not be found in any stored file: words of the notes, EXIF and XMP positions.
TRACES = (files.NOTE, b"31.0867", b"107.8683", b"SomeMaker", b"31,5.2047", b"107,52.09")


def stored(data: bytes, limits: Limits = LIMITS) -> tuple[Examined, bytes]:
    """What is found in a file, and the bytes that are stored."""
    with TemporaryFile() as spool:
        spool.write(data)
        spool.flush()
        examined = examine(spool, limits)
        return examined, bytes(examined.content)


def pixels(data: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image.convert("RGB"))


PHOTOS = {
    "jpeg": (files.jpeg(), files.jpeg(files.exif())),
    "progressive": (files.jpeg(progressive=True), files.jpeg(files.exif(), progressive=True)),
    "png": (files.png(), files.png(files.exif())),
    "webp": (files.webp(), files.webp(files.exif())),
    "webp-lossless": (files.webp(lossless=True), files.webp(files.exif(), lossless=True)),
}
OTHERS = {
    "mp4": (files.mp4(), "video", "video/mp4"),
    "m4a": (files.mp4((b"soun",), brand=b"M4A "), "audio", "audio/mp4"),
    "sound in an ordinary mp4": (files.mp4((b"soun", b"text")), "audio", "audio/mp4"),
    "wav": (files.wav(), "audio", "audio/wav"),
    "mp3": (files.mp3(), "audio", "audio/mpeg"),
    "ogg": (files.ogg(), "audio", "audio/ogg"),
    "pdf": (files.pdf(), "document", "application/pdf"),
}


@pytest.mark.parametrize("name", PHOTOS)
def test_a_photo_tells_where_when_and_how_large_it_is(name: str) -> None:
    examined, _ = stored(PHOTOS[name][1])
    assert examined.type.kind == "photo"
    assert (examined.width, examined.height) == (64, 48)
    assert examined.taken.position == PLACE
    assert examined.taken.captured_at == NOON


@pytest.mark.parametrize("name", PHOTOS)
def test_a_stored_photo_holds_no_position_and_every_pixel(name: str) -> None:
    plain, located = PHOTOS[name]
    assert any(trace in located for trace in TRACES), "the sample must hold what is to be removed"
    _, content = stored(located)
    with Image.open(io.BytesIO(content)) as image:
        assert dict(image.getexif()) == {0x0112: 6}
        assert image.getexif().get_ifd(0x8825) == {}
        assert not {"xmp", "comment", "XML:com.adobe.xmp", "mp", "photoshop"} & image.info.keys()
    assert [t for t in TRACES if t in content] == []
    assert read_exif(files.exif()).taken.position == PLACE  # the reader does see a position
    assert np.array_equal(pixels(content), pixels(plain))


@pytest.mark.parametrize("name", PHOTOS)
def test_what_is_stored_would_be_stored_as_it_is(name: str) -> None:
    _, once = stored(PHOTOS[name][1])
    assert stored(once)[1] == once
    plain, _ = PHOTOS[name]
    assert stored(plain)[1] == plain, "a photo without metadata is not touched"


@pytest.mark.parametrize("name", OTHERS)
def test_sound_video_and_documents_lose_their_notes_in_place(name: str) -> None:
    data, kind, media_type = OTHERS[name]
    assert any(trace in data for trace in TRACES)
    examined, content = stored(data)
    assert (examined.type.kind, examined.type.media_type) == (kind, media_type)
    assert [t for t in TRACES if t in content] == []
    assert len(content) == len(data) or name == "mp3"


def test_a_video_tells_where_and_when_and_keeps_its_pictures_and_sound() -> None:
    examined, content = stored(files.mp4())
    assert examined.taken.position == (107.8683, 31.0867)
    assert examined.taken.captured_at == NOON
    assert b"vide sample " in content
    assert b"soun sample " in content
    assert b"meta sample " not in content


def test_a_recording_keeps_every_frame() -> None:
    assert stored(files.mp3())[1] == (b"\xff\xfb\x90\x00" + bytes(413)) * 10
    with wave.open(io.BytesIO(stored(files.wav())[1])) as opened:
        assert opened.getnframes() == 800


def test_an_ogg_recording_has_right_check_sums_after_its_comments_are_blanked() -> None:
    content = stored(files.ogg())[1]
    at = pages = 0
    while at < len(content):
        lacing = content[at + 26]
        stop = at + 27 + lacing + sum(content[at + 27 : at + 27 + lacing])
        page = content[at:stop]
        found = int.from_bytes(page[22:26], "little")
        assert ogg_crc(page[:22] + bytes(4) + page[26:]) == found
        at, pages = stop, pages + 1
    assert pages == 4
    assert b"GEO_LOCATION=" in content
    assert b"sound" * 40 in content


def test_the_check_sum_of_ogg_is_the_one_of_its_standard() -> None:
    # Computed bit by bit from the polynomial 04C11DB7, as RFC 3533 words it.
    def slow(page: bytes) -> int:
        crc = 0
        for byte in page:
            crc ^= byte << 24
            for _ in range(8):
                crc = (crc << 1 ^ 0x04C11DB7 if crc & 0x8000_0000 else crc << 1) & 0xFFFF_FFFF
        return crc

    for page in (b"", b"\0", b"OggS", bytes(range(256))):
        assert ogg_crc(page) == slow(page)


@settings(deadline=None, max_examples=60)
@given(
    lon=st.floats(CHINA_BOX.west, CHINA_BOX.east),
    lat=st.floats(CHINA_BOX.south, CHINA_BOX.north),
    orientation=st.integers(1, 8),
)
def test_any_position_in_the_country_is_read_to_a_decimetre_and_then_gone(
    lon: float, lat: float, orientation: int
) -> None:
    block = files.exif(lon, lat, orientation=orientation)
    examined, content = stored(files.jpeg(block, width=16, height=8))
    assert examined.taken.position is not None
    assert examined.taken.position == (pytest.approx(lon, abs=1e-6), pytest.approx(lat, abs=1e-6))
    left = Image.open(io.BytesIO(content)).getexif()
    assert dict(left) == ({} if orientation == 1 else {0x0112: orientation})
    assert files.NOTE not in content


VIDEO = files.mp4()
REFUSED = [
    ("html named as jpeg", b"<!DOCTYPE html><script>alert(1)</script>", "unsupported_file"),
    ("jpeg mark, then html", b"\xff\xd8\xff<html>" + b"x" * 60, "damaged_file"),
    ("gif", b"GIF89a" + bytes(40), "unsupported_file"),
    ("svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>", "unsupported_file"),
    ("heic", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "unsupported_file"),
    ("quicktime", b"\0\0\0\x14ftypqt  \0\0\0\0qt  ", "unsupported_file"),
    ("zip", b"PK\x03\x04" + bytes(60), "unsupported_file"),
    ("zeros", bytes(64), "unsupported_file"),
    ("half a jpeg", files.jpeg()[:-200], "damaged_file"),
    ("jpeg without size", files.jpeg().replace(b"\0\x30\0\x40", b"\0\0\0\0"), "damaged_file"),
    ("half a png", files.png()[:-20], "damaged_file"),
    ("png with a wrong check sum", files.png()[:40] + b"\xff" + files.png()[41:], "damaged_file"),
    ("half a webp", files.webp()[:-20], "damaged_file"),
    ("webp without a picture", b"RIFF\x04\0\0\0WEBP" + bytes(10), "damaged_file"),
    ("mp4 without a track", files.box(b"ftyp", b"isom", bytes(4)), "damaged_file"),
    ("half an mp4", VIDEO[:-100], "damaged_file"),
    ("fragments with positions", files.mp4(fragment=files.box(b"moof")), "damaged_file"),
    ("wav without sound", b"RIFF\x04\0\0\0WAVE", "damaged_file"),
    ("mp3 tag without sound", files.mp3()[: 10 + len(files.NOTE)], "damaged_file"),
    ("half an ogg", files.ogg()[:-10], "damaged_file"),
    ("two ogg streams", files.ogg() + files.ogg(), "damaged_file"),
    ("half a pdf", files.pdf()[:-8], "damaged_file"),
    ("a moving webp", b"", "animated_picture"),
    ("a moving png", b"", "animated_picture"),
]


def moving(form: str) -> bytes:
    out = io.BytesIO()
    frames = [files.picture(), files.picture().rotate(90)]
    frames[0].save(out, form, save_all=True, append_images=frames[1:])
    return out.getvalue()


@pytest.mark.parametrize(("name", "data", "code"), REFUSED, ids=[r[0] for r in REFUSED])
def test_what_is_not_what_it_claims_is_refused(name: str, data: bytes, code: str) -> None:
    if code == "animated_picture":
        data = moving(name.rpartition(" ")[2].upper())
    with pytest.raises(AppError) as caught:
        stored(data)
    assert caught.value.code == code
    assert caught.value.text("zh")


def test_a_picture_is_judged_by_its_header_before_anything_decodes_it() -> None:
    bomb = io.BytesIO()
    Image.new("1", (9_000, 6_000)).save(bomb, "PNG")
    assert len(bomb.getvalue()) < 20_000
    with pytest.raises(AppError) as caught:
        stored(bomb.getvalue())
    assert caught.value.code == "picture_too_large"
    assert caught.value.params["width"] == 9_000


@pytest.mark.parametrize("kind", ["photo", "audio", "video", "document"])
def test_each_kind_of_file_has_its_own_limit(kind: str) -> None:
    small = replace(LIMITS, **{kind: 100})
    samples = {
        "photo": files.jpeg(),
        "audio": files.mp4((b"soun",), brand=b"M4A "),
        "video": files.mp4(),
        "document": files.pdf() + b" " * 100 + b"%%EOF",
    }
    for name, data in samples.items():
        if name != kind:
            stored(data, small)
    with pytest.raises(AppError) as caught:
        stored(samples[kind], small)
    assert (caught.value.code, caught.value.status) == ("file_too_large", 413)


@settings(deadline=None, max_examples=300)
@given(
    st.sampled_from([p[1] for p in PHOTOS.values()] + [o[0] for o in OTHERS.values()]),
    st.lists(st.tuples(st.integers(0, 100_000), st.integers(0, 255)), min_size=1, max_size=6),
    st.integers(0, 100_000),
)
def test_a_file_with_flipped_bytes_is_taken_or_refused_by_name(
    data: bytes, flips: list[tuple[int, int]], cut: int
) -> None:
    broken = bytearray(data)
    for at, value in flips:
        broken[at % len(broken)] = value
    if cut % 3 == 0:
        del broken[cut % len(broken) + 1 :]
    # Whatever else would be raised fails the test.
    with contextlib.suppress(AppError):
        examined, content = stored(bytes(broken))
        assert examined.type.kind in ("photo", "audio", "video", "document")
        assert content
