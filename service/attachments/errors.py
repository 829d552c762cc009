"""Named failures of files."""

from __future__ import annotations

from typing import ClassVar

from service.errors import AppError


class EmptyFile(AppError):
    """A file without a single byte."""

    status, code = 422, "empty_file"
    zh = "文件为空，未保存。"
    en = "The file is empty and was not kept."


class UnsupportedFile(AppError):
    """What the file really is, by its content, is not on the list."""

    status, code = 415, "unsupported_file"
    zh = (
        "文件内容是 {found}，不在允许之列：照片 JPEG、PNG、WebP，录音 M4A、MP3、OGG、WAV，"
        "视频 MP4，文件 PDF。苹果手机请在“设置-相机-格式”中选“兼容性最佳”。"
    )
    en = (
        "By its content the file is {found}; taken are photos JPEG, PNG, WebP, sound M4A, MP3, "
        "OGG, WAV, video MP4, documents PDF. On an iPhone choose Most Compatible for the camera."
    )


class FileTooLarge(AppError):
    """More bytes than this kind of file may have."""

    status, code = 413, "file_too_large"
    zh = "文件过大：{kind}上限为 {limit} 字节。"
    en = "The file is too large: at most {limit} bytes for {kind}."


class DamagedFile(AppError):
    """The file begins like its type and then breaks that type's structure."""

    status, code = 422, "damaged_file"
    zh = "文件损坏或不完整（{reason}），请重新上传。"
    en = "The file is damaged or incomplete ({reason}); upload it again."


class PictureTooLarge(AppError):
    """More pixels than anything should have to decode."""

    status, code = 422, "picture_too_large"
    zh = "图片为 {width}×{height} 像素，超过上限 {limit}，请缩小后上传。"
    en = "The picture has {width} by {height} pixels, more than {limit}; make it smaller."


class AnimatedPicture(AppError):
    """A picture that moves is no photo."""

    status, code = 422, "animated_picture"
    zh = "动画图片不能作为照片上传，请上传静态照片或 MP4 视频。"
    en = "An animated picture is no photo; upload a still photo or an MP4 video."


class ImplausibleCaptureTime(AppError):
    """The capture time lies ahead of the service's clock, or before digital cameras."""

    status, code = 422, "implausible_capture_time"
    zh = "拍摄时间 {given} 不合理（应在 1990 年之后、当前时间之前），请检查设备时钟。"
    en = "The capture time {given} is not between 1990 and now; check the device's clock."


class RangeNotSatisfiable(AppError):
    """The range begins after the last byte."""

    status, code = 416, "range_not_satisfiable"
    zh = "请求的范围超出文件大小（{size} 字节）。"
    en = "The range lies outside the file, which has {size} bytes."

    def __init__(self, *, size: int) -> None:
        super().__init__(size=size)
        self.headers = {"Content-Range": f"bytes */{size}"}  # type: ignore[misc]  # differs by file


class StorageUnavailable(AppError):
    """The object storage did not answer or lost the object."""

    status, code = 503, "storage_unavailable"
    zh = "文件存储暂不可用，请用同一标识重试。"
    en = "File storage is unavailable; try again with the same id or Idempotency-Key."
    headers: ClassVar[dict[str, str]] = {"Retry-After": "2"}
