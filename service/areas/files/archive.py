"""The guard of zipped Shapefiles: what is in the archive is judged before a byte is unpacked."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path, PurePosixPath, PureWindowsPath

from service.areas.files.errors import UnreadableFile, ZipBomb, ZipContent, ZipNested, ZipPath
from service.areas.files.limits import Limits

NEEDED = (".shp", ".shx", ".dbf")
KEPT = (*NEEDED, ".prj", ".cpg")
ARCHIVES = {".zip", ".rar", ".7z", ".gz", ".tgz", ".bz2", ".xz", ".tar", ".zst", ".kmz"}
RESOURCE_FORKS = "__MACOSX/"
STEM = "upload"
CHUNK = 1 << 20


def unpack_shapefile(path: Path, folder: Path, limits: Limits) -> Path:
    """Unpack the one Shapefile in the archive at `path` into `folder`, under names of our own.

    Returns the path of its .shp. Raises UnreadableFile, ZipPath, ZipNested, ZipBomb and
    ZipContent, all before anything is unpacked.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = [m for m in archive.infolist() if not m.filename.startswith(RESOURCE_FORKS)]
            _check_names(members)
            _check_sizes(members, limits)
            for extension, member in _parts(members).items():
                _extract(archive, member, folder / f"{STEM}{extension}")
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, RuntimeError) as broken:
        raise UnreadableFile(
            format="zip", reason_zh="压缩包损坏或加密", reason_en=str(broken)[:200]
        ) from None
    return folder / f"{STEM}.shp"


def _check_names(members: list[zipfile.ZipInfo]) -> None:
    for member in members:
        # zipfile cuts a name at NUL and turns the local separator; judge what the archive says.
        name = member.orig_filename
        windows = PureWindowsPath(name)
        if len(windows.parts) != 1 or windows.anchor or name in ("", ".", "..") or "\0" in name:
            raise ZipPath(name=name[:100])
        if PurePosixPath(name).suffix.lower() in ARCHIVES:
            raise ZipNested(name=name[:100])


def _check_sizes(members: list[zipfile.ZipInfo], limits: Limits) -> None:
    if len(members) > limits.archive_members:
        raise ZipContent(
            reason_zh=f"文件数 {len(members)} 过多", reason_en=f"{len(members)} files are too many"
        )
    total = sum(member.file_size for member in members)
    for member in members:
        ratio = member.file_size // max(member.compress_size, 1)
        suspicious = member.file_size > limits.ratio_from_bytes and ratio > limits.ratio
        if suspicious or total > limits.unpacked_bytes:
            raise ZipBomb(size=total, limit=limits.unpacked_bytes, ratio=ratio)


def _parts(members: list[zipfile.ZipInfo]) -> dict[str, zipfile.ZipInfo]:
    parts: dict[str, zipfile.ZipInfo] = {}
    stems: set[str] = set()
    for member in members:
        name = PurePosixPath(member.filename)
        extension = name.suffix.lower()
        if extension not in KEPT:
            continue
        if extension in parts:
            raise ZipContent(
                reason_zh=f"有多个 {extension} 文件", reason_en=f"several {extension} files"
            )
        parts[extension] = member
        stems.add(name.stem.lower())
    if missing := [extension for extension in NEEDED if extension not in parts]:
        listed = " ".join(missing)
        raise ZipContent(reason_zh=f"缺少 {listed}", reason_en=f"{listed} missing")
    if len(stems) > 1:
        raise ZipContent(reason_zh="文件名不一致", reason_en="its files have different names")
    return parts


def _extract(archive: zipfile.ZipFile, member: zipfile.ZipInfo, target: Path) -> None:
    # The reader stops at the size that the archive declares, which has been judged.
    with archive.open(member) as source, target.open("xb") as unpacked:
        while chunk := source.read(CHUNK):
            unpacked.write(chunk)
