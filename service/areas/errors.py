"""Named failures of areas, grids and positions. What is wrong with files: `files.errors`."""

from __future__ import annotations

from geo.errors import GeoError
from service.errors import AppError, FieldProblem, Forbidden


def field_of(error: GeoError, pointer: str) -> FieldProblem:
    """What the geometry library says of one part of the input."""
    return FieldProblem(pointer, error.code, error.message_zh or error.message, error.message)


class BadCode(AppError):
    """An area or grid code that cannot be one; `errors` say where and why."""

    status, code = 422, "bad_code"
    zh = "编码 {given} 有误：{reason_zh}。可用 /v1/grid-codes/ 查询编码说明。"
    en = "The code {given} is wrong: {reason_en}. /v1/grid-codes/ explains a code."

    @classmethod
    def of(cls, given: str, error: GeoError, pointer: str = "/code") -> BadCode:
        """The failure for what `geo.codes` said of `given`."""
        return cls(
            given=given[:64],
            reason_zh=error.message_zh,
            reason_en=error.message,
            fields=(field_of(error, pointer),),
        )


class CrsUndeclared(AppError):
    """A position or a polygon does not say its reference system; it is never guessed."""

    status, code = 422, "crs_undeclared"
    zh = "未声明坐标系 crs：请注明 {expected}；系统不会猜测坐标系。"
    en = "The crs is not declared: give {expected}. It is never guessed."


class CrsUnknown(AppError):
    """The declared reference system is none that this operation takes."""

    status, code = 422, "crs_unknown"
    zh = "不认识的坐标系 {given}；请用 {expected}。"
    en = "Unknown crs {given}; give {expected}."


class BadPosition(AppError):
    """The position cannot be: not a number, out of range, or out of the country."""

    status, code = 422, "bad_position"
    zh = "位置无效：{reason_zh}"
    en = "The position is not valid: {reason_en}"

    @classmethod
    def of(cls, error: GeoError, pointer: str) -> BadPosition:
        """The failure for what `geo.crs` said of a position."""
        fields = (field_of(error, pointer),)
        return cls(reason_zh=error.message_zh, reason_en=error.message, fields=fields)


class BadGeometry(AppError):
    """A polygon in the body cannot be read as one."""

    status, code = 422, "bad_geometry"
    zh = "几何图形无效：{reason_zh}"
    en = "The geometry is not valid: {reason_en}"


class GeometryRefused(AppError):
    """The polygons of a change break a rule of coverage; `errors` say which and where."""

    status, code = 422, "geometry_refused"
    zh = "图形不符合要求，未作任何更改，详见 errors 与 findings。"
    en = "The polygons break the rules; nothing was changed. See errors and findings."


class TooManyPoints(AppError):
    """More points than one batch takes."""

    status, code = 422, "too_many_points"
    zh = "一次最多 {limit} 个点，收到 {count} 个。"
    en = "At most {limit} points at a time; {count} came."


class BadBox(AppError):
    """The bounding box is not four finite numbers in order."""

    status, code = 422, "bad_bbox"
    zh = "bbox 应为“西,南,东,北”四个数（EPSG:4490 经纬度），且西<东、南<北。"
    en = "bbox must be west,south,east,north (EPSG:4490 lon, lat) with west < east, south < north."


class StaleVersion(AppError):
    """The grid has changed since the caller read it."""

    status, code = 412, "stale_version"
    zh = "网格 {grid} 已被更新（现为版本 {current}），请重新读取后再操作。"
    en = "Grid {grid} has changed (now version {current}); read it again, then act."


class BadIfMatch(AppError):
    """If-Match is not an ETag of a grid."""

    status, code = 400, "bad_if_match"
    zh = 'If-Match 应为网格的 ETag，例如 "3"。'
    en = 'If-Match must be the ETag of the grid, for example "3".'


class GridRetired(AppError):
    """The grid is no longer in force; only what is in force can be changed."""

    status, code = 409, "grid_retired"
    zh = "网格 {grid} 已于 {retired_at} 停用，后继网格：{successors}。"
    en = "Grid {grid} was retired at {retired_at}; its successors: {successors}."


class NotOneVillage(AppError):
    """The grids of a change belong together: one village, one kind, one parent."""

    status, code = 422, "not_one_village"
    zh = "这些网格不属于同一村（社区）、同一类型或同一上级网格，不能一起变更。"
    en = "These grids are not of one village, one kind and one parent; they cannot change together."


class NoCodesLeft(AppError):
    """All numbers of a village are used up; none is ever used again."""

    status, code = 409, "codes_exhausted"
    zh = "{reason_zh}"
    en = "{reason_en}"


class ApprovalMissing(AppError):
    """A change of published grids names the document that approved it."""

    status, code = 422, "approval_document_missing"
    zh = "变更已发布的网格须写明批准文件 approval_document。"
    en = "A change of published grids must name its approval_document."


class DelineationRefused(AppError):
    """Its checks found errors, so it cannot be published."""

    status, code = 409, "delineation_refused"
    zh = "该划分成果检查未通过（{errors} 处错误），不能发布；请修改后重新提交。"
    en = "This delineation has {errors} errors and cannot be published: correct and submit again."


class AlreadyPublished(AppError):
    """A delineation is published once."""

    status, code = 409, "already_published"
    zh = "该划分成果已发布。"
    en = "This delineation has been published already."


class StaleDelineation(AppError):
    """Grids or boundaries of its villages changed after it was checked."""

    status, code = 409, "delineation_stale"
    zh = "检查之后，所涉村（社区）的网格或边界已变更；请先重新检查（POST …/check）再发布。"
    en = (
        "Grids or boundaries of its villages changed after the check; "
        "check it again (POST …/check), then publish."
    )


class IdTaken(AppError):
    """The client-made id belongs to another delineation."""

    status, code = 409, "id_taken"
    zh = "标识 {id} 已被另一份划分成果使用，请换新的标识。"
    en = "The id {id} belongs to another delineation; make a new one."


class UnknownArea(AppError):
    """The area code is well formed but no division of this county has it."""

    status, code = 422, "unknown_area"
    zh = "没有编码为 {given} 的行政区划或村（社区）。"
    en = "There is no division with the code {given}."


class OutsideArea(Forbidden):
    """The caller draws elsewhere."""

    code = "outside_area"
    zh = "区域 {area} 不在您的管辖范围内。"
    en = "The area {area} is outside the areas that you administer."


class SchemeNotInUse(AppError):
    """A deployment uses one code scheme."""

    status, code = 422, "scheme_not_in_use"
    zh = "本系统使用的编码方案是 {used}，不是 {given}。"
    en = "This deployment uses the code scheme {used}, not {given}."


class NothingToChange(AppError):
    """An adjustment that gives neither a boundary nor a name nor households."""

    status, code = 422, "nothing_to_change"
    zh = "请至少给出 geometry、name、households 中的一项。"
    en = "Give at least one of geometry, name and households."
