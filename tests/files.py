"""Makes files as phones and recorders write them: with positions, notes and tails."""

from __future__ import annotations

import io
import struct
import wave
from fractions import Fraction

from PIL import Image
from PIL.Image import Exif
from PIL.TiffImagePlugin import IFDRational

from service.attachments.formats.png import chunk
from service.attachments.formats.sound import ogg_crc

# A place in county 511723, and words that only metadata holds.
LON, LAT = 107.868312, 31.086745
ISO_6709 = b"+31.0867+107.8683/"
NOTE = b"position 31.086745 107.868312"
XMP = b"http://ns.adobe.com/xap/1.0/\0<x:xmpmeta exif:GPSLatitude='31,5.2047N'/>"


def _sexagesimal(value: float) -> tuple[IFDRational, ...]:
    degrees, rest = divmod(abs(value) * 3600, 3600)
    minutes, seconds = divmod(rest, 60)
    exact = Fraction(seconds).limit_denominator(10_000_000)
    return (
        IFDRational(int(degrees)),
        IFDRational(int(minutes)),
        IFDRational(exact.numerator, exact.denominator),
    )


def exif(
    lon: float | None = LON,
    lat: float | None = LAT,
    *,
    orientation: int | None = 6,
    taken: str | None = "2026:03:05 14:30:00",
    offset: str | None = "+08:00",
    datum: str | None = "WGS-84",
) -> bytes:
    """An EXIF block with its "Exif" mark."""
    block = Exif()
    block[0x010F] = "SomeMaker"
    if orientation is not None:
        block[0x0112] = orientation
    detail = block.get_ifd(0x8769)
    if taken is not None:
        detail[0x9003] = taken
    if offset is not None:
        detail[0x9011] = offset
    if lon is not None and lat is not None:
        gps = block.get_ifd(0x8825)
        gps[1], gps[2] = ("N" if lat >= 0 else "S"), _sexagesimal(lat)
        gps[3], gps[4] = ("E" if lon >= 0 else "W"), _sexagesimal(lon)
        if datum is not None:
            gps[18] = datum
    return block.tobytes()


def picture(width: int = 64, height: int = 48) -> Image.Image:
    """A picture in which every orientation looks different."""
    image = Image.new("RGB", (width, height), (200, 30, 30))
    image.paste((20, 90, 200), (0, 0, width // 2, height // 3))
    return image


def jpeg(block: bytes | None = None, *, progressive: bool = False, **size: int) -> bytes:
    """A JPEG; with EXIF also XMP, a comment, and a second picture behind the end."""
    out = io.BytesIO()
    picture(**size).save(out, "JPEG", quality=85, progressive=progressive, icc_profile=b"icc" * 9)
    plain = out.getvalue()
    if block is None:
        return plain
    extra = segment(0xE1, block) + segment(0xE1, XMP) + segment(0xFE, NOTE)
    extra += segment(0xE2, b"MPF\0" + NOTE) + segment(0xED, b"Photoshop 3.0\0" + NOTE)
    return plain[:20] + extra + plain[20:] + b"ftypmp42" + NOTE + plain


def segment(marker: int, body: bytes) -> bytes:
    """One JPEG segment."""
    return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body


def png(block: bytes | None = None, **size: int) -> bytes:
    """A PNG; with EXIF also text and a tail."""
    out = io.BytesIO()
    picture(**size).save(out, "PNG")
    plain = out.getvalue()
    if block is None:
        return plain
    extra = chunk(b"eXIf", block[6:]) + chunk(b"tEXt", b"Comment\0" + NOTE)
    extra += chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + XMP) + chunk(b"prVt", NOTE)
    return plain[:33] + extra + plain[33:] + NOTE


def webp(block: bytes | None = None, *, lossless: bool = False, **size: int) -> bytes:
    """A WebP; with EXIF also XMP."""
    out = io.BytesIO()
    more = {} if block is None else {"exif": block, "xmp": XMP}
    picture(**size).save(out, "WEBP", lossless=lossless, **more)
    return out.getvalue()


def box(kind: bytes, *content: bytes) -> bytes:
    """One box of an ISO base media file."""
    body = b"".join(content)
    return struct.pack(">I4s", len(body) + 8, kind) + body


def track(handler: bytes, offset: int, sizes: list[int]) -> bytes:
    """A track whose samples lie one behind the other in one chunk at `offset`."""
    table = box(
        b"stbl",
        box(b"stsd", bytes(8)),
        box(b"stsc", struct.pack(">IIIII", 0, 1, 1, len(sizes), 1)),
        box(b"stsz", struct.pack(f">III{len(sizes)}I", 0, 0, len(sizes), *sizes)),
        box(b"stco", struct.pack(">III", 0, 1, offset)),
    )
    media = box(b"mdia", box(b"hdlr", bytes(8), handler, bytes(13)), box(b"minf", table))
    return box(b"trak", box(b"tkhd", bytes(84)), media, box(b"udta", box(b"name", NOTE)))


def mp4(
    handlers: tuple[bytes, ...] = (b"vide", b"soun", b"meta"),
    *,
    brand: bytes = b"isom",
    fragment: bytes = b"",
) -> bytes:
    """An MP4 with a position in `udta`, notes in `meta` and `uuid`, and a track of positions."""
    made = 2_082_844_800 + 1_772_692_200  # 2026-03-05T06:30:00Z since 1904
    samples = {
        h: h + b" sample " + (NOTE if h not in (b"vide", b"soun") else b"") for h in handlers
    }
    head = box(b"ftyp", brand, bytes(4), b"isom")
    data = box(b"mdat", *samples.values())
    at = len(head) + 8
    tracks = []
    for handler, sample in samples.items():
        half = len(sample) // 2
        tracks.append(track(handler, at, [half, len(sample) - half]))
        at += len(sample)
    movie = box(
        b"moov",
        box(b"mvhd", struct.pack(">II", 0, made), bytes(88)),
        *tracks,
        box(b"udta", box(b"\xa9xyz", struct.pack(">HH", len(ISO_6709), 0x15C7), ISO_6709)),
        box(b"meta", NOTE),
    )
    return head + data + movie + box(b"uuid", NOTE) + box(b"free", NOTE) + fragment


def wav() -> bytes:
    """A WAV with a list of notes and a tail."""
    out = io.BytesIO()
    with wave.open(out, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8_000)
        sound.writeframes(struct.pack("<800h", *range(800)))
    plain = out.getvalue()
    notes = b"LIST" + struct.pack("<I", len(NOTE) + 1) + NOTE + b"\0"
    body = plain[8:] + notes
    return b"RIFF" + struct.pack("<I", len(body)) + body + NOTE[:5]


def mp3() -> bytes:
    """Ten MP3 frames between an ID3v2, an APE and an ID3v1 tag."""
    frame = b"\xff\xfb\x90\x00" + bytes(413)
    size = len(NOTE)
    tag = b"ID3\x04\0\0" + bytes([0, 0, size >> 7, size & 0x7F]) + NOTE
    footer = struct.pack("<8sIIII8s", b"APETAGEX", 2000, len(NOTE) + 32, 1, 0, bytes(8))
    return tag + frame * 10 + NOTE + footer + b"TAG" + NOTE.ljust(125, b"\0")


def ogg_page(body: bytes, number: int, flags: int, *, ends: bool = True) -> bytes:
    """One OGG page with its check sum."""
    lacing = [255] * (len(body) // 255) + ([len(body) % 255] if ends else [])
    head = struct.pack("<4sBBqIIIB", b"OggS", 0, flags, 0, 7, number, 0, len(lacing))
    page = head + bytes(lacing) + body
    return page[:22] + struct.pack("<I", ogg_crc(page)) + page[26:]


def ogg(padding: int = 600) -> bytes:
    """An OGG Opus recording whose comments hold a position and run over two pages."""
    comments = [b"GEO_LOCATION=" + NOTE, b"COVER=" + b"x" * padding, b"broken " + NOTE]
    tags = b"OpusTags" + struct.pack("<I", 4) + b"test" + struct.pack("<I", len(comments))
    tags += b"".join(struct.pack("<I", len(c)) + c for c in comments)
    first, rest = tags[:510], tags[510:]
    return (
        ogg_page(b"OpusHead" + bytes(11), 0, 2)
        + ogg_page(first, 1, 0, ends=False)
        + ogg_page(rest, 2, 1)
        + ogg_page(b"sound" * 40, 3, 4)
    )


def pdf() -> bytes:
    """A PDF with a photo whose EXIF holds a position, and XMP with one."""
    photo = segment(0xE1, exif(None, None)[:6] + NOTE)
    xmp = b'<rdf exif:GPSLatitude="31,5.2047N"><exif:GPSLongitude>107,52.09E</exif:GPSLongitude>'
    return b"%PDF-1.4\n1 0 obj\nstream\n" + photo + xmp + b"\nendstream\n%%EOF\n"
