"""Named failures and the one place that renders them (RFC 9457 problem details)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import msgspec
from starlette.requests import Request
from starlette.responses import Response

PROBLEM_JSON = "application/problem+json"


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """What is wrong with one part of the input: a JSON pointer, a stable code, two texts."""

    pointer: str
    code: str
    zh: str
    en: str


class AppError(Exception):
    """A failure with a stable code, a status and a Chinese and an English text.

    Subclasses set the class attributes; `zh` and `en` are format strings over the keyword
    arguments, so that each text says what, where and what to do.
    """

    status: ClassVar[int] = 400
    code: ClassVar[str] = "bad_request"
    zh: ClassVar[str] = "请求有误。"
    en: ClassVar[str] = "The request is wrong."
    headers: ClassVar[dict[str, str]] = {}

    def __init__(
        self,
        *,
        pointer: str | None = None,
        fields: tuple[FieldProblem, ...] = (),
        clause: str | None = None,
        extra: dict[str, Any] | None = None,
        **params: Any,
    ) -> None:
        self.pointer = pointer
        self.fields = fields
        self.clause = clause
        self.extra = extra or {}
        self.params = params
        super().__init__(self.text("en"))

    def text(self, language: str) -> str:
        """The message in `language` ("zh" or "en")."""
        template = self.zh if language == "zh" else self.en
        return template.format(**self.params)

    def as_field(self, pointer: str) -> FieldProblem:
        """This failure as one row of a batch's list of problems."""
        return FieldProblem(pointer, self.code, self.text("zh"), self.text("en"))

    def document(self, language: str, instance: str | None = None) -> dict[str, Any]:
        """The problem document (RFC 9457) in `language`."""
        fields = self.fields
        if self.pointer is not None and not fields:
            fields = (self.as_field(self.pointer),)
        document: dict[str, Any] = {
            "type": f"urn:gridward:problem:{self.code}",
            "title": self.code.replace("_", " "),
            "status": self.status,
            "code": self.code,
            "detail": self.text(language),
        }
        if instance:
            document["instance"] = instance
        if fields:
            document["errors"] = [
                {"pointer": f.pointer, "code": f.code, "detail": f.zh if language == "zh" else f.en}
                for f in fields
            ]
        if self.clause:
            document["clause"] = self.clause
        return {**document, **self.extra}


class NotFound(AppError):
    """Missing, or not readable by the caller: both look the same."""

    status, code = 404, "not_found"
    zh = "没有找到，或者不在您的权限范围内。"
    en = "There is no such thing, or it is outside what you may see."


class Forbidden(AppError):
    """The caller is known and may see the thing, but may not do this."""

    status, code = 403, "forbidden"
    zh = "您的角色不能执行此操作。"
    en = "Your role may not do this."


class Unauthenticated(AppError):
    """No valid access token."""

    status, code = 401, "unauthenticated"
    zh = "请先登录：访问令牌缺失、失效或有误。"
    en = "Log in first: the access token is missing, expired or wrong."
    headers: ClassVar[dict[str, str]] = {"WWW-Authenticate": "Bearer"}


class InvalidInput(AppError):
    """The body, path or query does not have the documented form."""

    status, code = 422, "invalid_input"
    zh = "提交的内容有误，请按 errors 中的提示修改。"
    en = "The input is wrong; see errors for each place."


class MalformedBody(AppError):
    """The body is not what its content type says."""

    status, code = 400, "malformed_body"
    zh = "请求体无法解析：{reason}"
    en = "The body cannot be read: {reason}"


class MethodNotAllowed(AppError):
    """The path is known, with other methods."""

    status, code = 405, "method_not_allowed"
    zh = "此地址不支持 {method} 方法，可用：{allow}。"
    en = "{method} is not offered here; use {allow}."

    def __init__(self, *, method: str, allow: str) -> None:
        super().__init__(method=method, allow=allow)
        self.headers = {"Allow": allow}  # type: ignore[misc]  # differs by path


class UnsupportedMediaType(AppError):
    """The content type is not one that this operation takes."""

    status, code = 415, "unsupported_media_type"
    zh = "不支持的内容类型 {given}，请使用 {expected}。"
    en = "Content type {given} is not taken here; use {expected}."


class BodyTooLarge(AppError):
    """More bytes than the operation takes."""

    status, code = 413, "body_too_large"
    zh = "请求体过大，上限为 {limit} 字节。"
    en = "The body is larger than {limit} bytes."


class Overloaded(AppError):
    """The bounded queue is full: nothing was taken, so it is safe to send again."""

    status, code = 503, "overloaded"
    zh = "系统繁忙，未受理，请稍后重试。"
    en = "The service is busy and has taken nothing; try again shortly."
    headers: ClassVar[dict[str, str]] = {"Retry-After": "1"}


class Unavailable(AppError):
    """The database did not answer; whether the work was done is unknown until it is replayed."""

    status, code = 503, "unavailable"
    zh = "服务暂不可用，请用同一标识重试。"
    en = "The service is unavailable; try again with the same id or Idempotency-Key."
    headers: ClassVar[dict[str, str]] = {"Retry-After": "2"}


class Busy(AppError):
    """Somebody else is working on the same thing right now."""

    status, code = 409, "busy"
    zh = "该记录正由他人处理，请稍后重试。"
    en = "Somebody else is changing this right now; try again."
    headers: ClassVar[dict[str, str]] = {"Retry-After": "1"}


class InternalError(AppError):
    """A fault of ours; the text tells nothing about the inside."""

    status, code = 500, "internal_error"
    zh = "系统内部错误，请凭 instance 编号联系管理员。"
    en = "An internal error; tell the administrator the instance number."


def language_of(accept_language: str | None) -> str:
    """`"zh"` or `"en"` from an Accept-Language header; Chinese unless English ranks higher."""
    best, best_q = "zh", -1.0
    for part in (accept_language or "").split(","):
        tag, _, params = part.strip().partition(";")
        name = tag.strip().lower()[:2]
        if name not in ("zh", "en"):
            continue
        try:
            q = float(params.strip().removeprefix("q=")) if params else 1.0
        except ValueError:
            q = 0.0
        if q > best_q:
            best, best_q = name, q
    return best


def render(request: Request, error: AppError) -> Response:
    """The problem document as a response, in the language that the caller asked for."""
    language = language_of(request.headers.get("accept-language"))
    request_id = request.scope.get("request_id")
    body = msgspec.json.encode(
        error.document(language, f"urn:gridward:request:{request_id}" if request_id else None)
    )
    headers = {**error.headers, "Content-Language": language, "Vary": "Accept-Language"}
    return Response(body, error.status, headers, PROBLEM_JSON)
