"""Forms of the OAuth 2 endpoints (RFC 6749 appendix B), read as the RFC says.

Unknown parameters are ignored, empty ones count as absent, repeated ones are refused; every
refusal is `invalid_request`, as OAuth clients expect, never the 422 of other operations.
"""

from __future__ import annotations

import base64
import binascii
from typing import Annotated, Any, TypeVar
from urllib.parse import parse_qsl, unquote_plus

from fastapi import Request
from pydantic import BaseModel, Field, StringConstraints, ValidationError

from service.auth.errors import InvalidClient, InvalidRequest
from service.errors import UnsupportedMediaType
from service.validation import problem_of

FORM = "application/x-www-form-urlencoded"
MAX_FIELDS = 30

M = TypeVar("M", bound=BaseModel)
# Not stripped: a password may begin or end with a space. NUL cannot be stored.
Value = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00]*$")]


class TokenForm(BaseModel):
    """A token request: which grant, and what proves it."""

    grant_type: str = Field(
        max_length=100,
        description="`password`, `refresh_token` or `client_credentials`",
        examples=["password"],
    )
    username: Value | None = Field(default=None, examples=["zhangsan"])
    password: Value | None = Field(default=None, json_schema_extra={"format": "password"})
    refresh_token: Value | None = None
    client_id: Value | None = None
    client_secret: Value | None = Field(
        default=None, description="Or both by HTTP Basic", json_schema_extra={"format": "password"}
    )
    device_id: Value | None = Field(
        default=None, description="Binds the refresh token to one device; give it again to refresh"
    )


class RevokeForm(BaseModel):
    """A logout: the refresh token (or access token) of the login to end (RFC 7009)."""

    token: Annotated[str, StringConstraints(min_length=1, max_length=4000)]
    token_type_hint: Value | None = None


def form_body(model: type[BaseModel]) -> dict[str, Any]:
    """The OpenAPI `requestBody` of an operation that reads `model` as a form."""
    return {
        "requestBody": {
            "required": True,
            "content": {FORM: {"schema": model.model_json_schema()}},
        }
    }


async def token_form(request: Request) -> TokenForm:
    """A dependency: the token request, with a client's HTTP Basic credentials filled in.

    Raises InvalidRequest, InvalidClient, UnsupportedMediaType.
    """
    values = await _values(request)
    basic = _basic(request.headers.get("authorization", ""))
    if basic is not None:
        if "client_secret" in values:
            raise InvalidRequest(
                reason_zh="客户端凭据只能用一种方式提供",
                reason_en="give the client's credentials in one way only",
            )
        values["client_id"], values["client_secret"] = basic
    return _read(TokenForm, values)


async def revoke_form(request: Request) -> RevokeForm:
    """A dependency: the logout. Raises InvalidRequest, UnsupportedMediaType."""
    return _read(RevokeForm, await _values(request))


async def _values(request: Request) -> dict[str, str]:
    given = request.headers.get("content-type", "")
    if given.partition(";")[0].strip().lower() != FORM:
        raise UnsupportedMediaType(given=given[:100] or "–", expected=FORM)
    try:
        pairs = parse_qsl(
            (await request.body()).decode(), errors="strict", max_num_fields=MAX_FIELDS
        )
    except ValueError:
        raise InvalidRequest(reason_zh="表单无法解析", reason_en="the form is unreadable") from None
    values = dict(pairs)
    if len(values) != len(pairs):
        raise InvalidRequest(reason_zh="参数重复", reason_en="a parameter is repeated")
    return values


def _read(model: type[M], values: dict[str, str]) -> M:
    known = {name: value for name, value in values.items() if name in model.model_fields}
    try:
        return model.model_validate(known)
    except ValidationError as error:
        wrong = "、".join(sorted({str(item["loc"][0]) for item in error.errors()}))
        raise InvalidRequest(
            fields=problem_of(error).fields,
            reason_zh=f"缺少或不正确的参数：{wrong}",
            reason_en=f"missing or wrong parameters: {wrong}",
        ) from None


def _basic(header: str) -> tuple[str, str] | None:
    """Client id and secret of HTTP Basic, form-decoded (RFC 6749 2.3.1); None without it."""
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        pair = base64.b64decode(encoded.strip(), validate=True).decode()
    except (binascii.Error, ValueError):
        raise InvalidClient from None
    client, _, secret = pair.partition(":")
    return unquote_plus(client), unquote_plus(secret)
