"""Conditional requests (RFC 9110 section 13): what the caller has already, or has decided on."""

from __future__ import annotations

import re
from typing import Annotated

from fastapi import Depends, Request

from service.errors import AppError
from service.kit.openapi import reads

_VERSION = re.compile(r'(?:W/)?"([0-9]{1,9})"')
_TAG = re.compile(r'(?:W/)?"([\x21\x23-\x7e\x80-\xff]*)"')


def has_already(if_none_match: str | None, etag: str) -> bool:
    """Whether an If-None-Match header names `etag` (given with its quotes): then answer 304.

    Weak comparison, as the header demands; `*` names everything; what is no entity tag is ignored.
    """
    if if_none_match is None:
        return False
    if if_none_match.strip() == "*":
        return True
    return etag.removeprefix("W/").strip('"') in _TAG.findall(if_none_match)


class BadIfMatch(AppError):
    """If-Match is not an ETag of a case."""

    status, code = 400, "bad_if_match"
    zh = 'If-Match 应为该记录的 ETag，例如 "3"。'
    en = 'If-Match must be the ETag of the case, for example "3".'


@reads("If-Match")
def if_match(request: Request) -> int | None:
    """The version that If-Match expects; None when it is absent or `*`. Raises BadIfMatch."""
    value = request.headers.get("if-match")
    if value is None or value.strip() == "*":
        return None
    found = _VERSION.fullmatch(value.strip())
    if found is None:
        raise BadIfMatch(pointer="/If-Match")
    return int(found[1])


def etag_of(version: int) -> dict[str, str]:
    """The ETag header of a case in this version."""
    return {"ETag": f'"{version}"'}


Expected = Annotated[int | None, Depends(if_match)]
