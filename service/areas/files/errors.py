"""Named failures of uploaded polygon files; nothing is stored when one is raised."""

from __future__ import annotations

from typing import Any

from service.areas.errors import CrsUndeclared, CrsUnknown
from service.errors import AppError


class FileRefused(AppError):
    """The base of what can be wrong with a file as a whole."""

    status, code = 422, "file_refused"


class UnsupportedFile(FileRefused):
    """Neither GeoJSON, nor GeoPackage, nor a zipped Shapefile, judged by its content."""

    status, code = 415, "unsupported_file"
    zh = "不支持的文件：请提交 GeoJSON、GeoPackage 或压缩为 zip 的 Shapefile。"
    en = "This file is not taken: send GeoJSON, GeoPackage or a zipped Shapefile."


class EmptyFile(FileRefused):
    """A file of no bytes."""

    code = "file_empty"
    zh = "文件为空。"
    en = "The file is empty."


class UnreadableFile(FileRefused):
    """The content is not what its format asks for."""

    code = "file_unreadable"
    zh = "文件无法读取（{format}）：{reason_zh}"
    en = "The file cannot be read as {format}: {reason_en}"


class BadEncoding(FileRefused):
    """Names are not in the encoding that the file declares."""

    code = "file_encoding"
    zh = "文字编码有误：文件中的文字不是 {encoding}；请在 .cpg 中写明编码，GeoJSON 用 UTF-8。"
    en = "Its text is not {encoding}: name the encoding in the .cpg; GeoJSON is UTF-8."


class FileTooComplex(FileRefused):
    """Reading and checking went beyond the bounds of time or memory."""

    code = "file_too_complex"
    zh = "图形过于复杂，未能在限定的时间和内存内检查完（{seconds} 秒）；请简化或分村提交。"
    en = "Too complex to be checked within {seconds} s and the memory given; simplify or split it."


class TooManyVertices(FileRefused):
    """More vertices than any county needs."""

    code = "too_many_vertices"
    zh = "顶点过多：{count} 个，上限 {limit} 个；请简化边界或分区提交。"
    en = "{count} vertices; the limit is {limit}. Simplify the boundaries or submit by area."


class TooManyFeatures(FileRefused):
    """More polygons than one delineation takes."""

    code = "too_many_features"
    zh = "要素过多：{count} 个，上限 {limit} 个；请分区提交。"
    en = "{count} features; the limit is {limit}. Submit by area."


class NoFeatures(FileRefused):
    """A layer without a single feature."""

    code = "no_features"
    zh = "文件中没有任何要素。"
    en = "The file holds no feature at all."


class LayerAmbiguous(FileRefused):
    """Several layers, and none was named."""

    code = "layer_ambiguous"
    zh = "文件有多个图层（{layers}），请用 layer 指明一个。"
    en = "The file has several layers ({layers}); name one in the field layer."


class LayerUnknown(FileRefused):
    """The layer that was named is not in the file."""

    code = "layer_unknown"
    zh = "文件中没有图层 {layer}；现有：{layers}。"
    en = "The file has no layer {layer}; it has {layers}."


class ZipBomb(FileRefused):
    """It would unpack to far more than any delineation is."""

    code = "zip_bomb"
    zh = "压缩包解压后过大或压缩比异常（{size} 字节，上限 {limit}；压缩比 {ratio}），已拒绝。"
    en = "The archive unpacks to {size} bytes (limit {limit}) at a ratio of {ratio}; refused."


class ZipPath(FileRefused):
    """A name in the archive is a path; the files lie at its top."""

    code = "zip_path"
    zh = "压缩包内含路径“{name}”；请直接压缩文件本身，不要带文件夹、绝对路径或“..”。"
    en = "The archive holds the path {name}; zip the files themselves, without folders or '..'."


class ZipNested(FileRefused):
    """An archive inside the archive."""

    code = "zip_nested"
    zh = "压缩包内还有压缩包“{name}”，不予解压。"
    en = "The archive holds another archive, {name}; it is not unpacked."


class ZipContent(FileRefused):
    """Not the parts of exactly one Shapefile."""

    code = "zip_content"
    zh = "压缩包应只含一个 Shapefile（.shp、.shx、.dbf，以及 .prj、.cpg）：{reason_zh}"
    en = "The archive must hold one Shapefile (.shp, .shx, .dbf, with .prj and .cpg): {reason_en}"


class CrsConflict(FileRefused):
    """The file says one reference system and the form another."""

    code = "crs_conflict"
    zh = "文件自带的坐标系（{file}）与填写的坐标系（{form}）不一致，请核对。"
    en = "The file says {file}, the form says {form}: find out which is right."


class CrsNotConvertible(FileRefused):
    """No transformation of known accuracy leads from there to CGCS2000."""

    code = "crs_not_convertible"
    zh = "坐标系 {given} 的基准与 CGCS2000 之间没有公开的精确转换参数，请先转换为 CGCS2000 再提交。"
    en = (
        "There is no public transformation of known accuracy from {given} to CGCS2000; "
        "convert the file first."
    )


class AttributeMissing(FileRefused):
    """A field that every polygon needs is not in the file."""

    code = "attribute_missing"
    zh = "缺少字段 {field}（也可写作 {aliases}）；文件中的字段：{found}。"
    en = "The field {field} (or {aliases}) is missing; the file has {found}."


class AttributeAmbiguous(FileRefused):
    """Two fields of the file mean the same."""

    code = "attribute_ambiguous"
    zh = "字段 {found} 含义相同，只能保留一个。"
    en = "The fields {found} mean the same; keep one."


_KINDS: tuple[type[AppError], ...] = (
    UnsupportedFile, EmptyFile, UnreadableFile, BadEncoding, FileTooComplex, TooManyVertices,
    TooManyFeatures, NoFeatures, LayerAmbiguous, LayerUnknown, ZipBomb, ZipPath, ZipNested,
    ZipContent, CrsConflict, CrsNotConvertible, AttributeMissing, AttributeAmbiguous,
    CrsUndeclared, CrsUnknown,
)  # fmt: skip
BY_CODE: dict[str, type[AppError]] = {kind.code: kind for kind in _KINDS}


def failure(code: str, params: dict[str, Any], pointer: str | None) -> AppError:
    """The failure that the reading process named."""
    return BY_CODE[code](pointer=pointer, **params)
