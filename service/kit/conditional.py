"""Conditional requests (RFC 9110 section 13): has the caller got this representation already?"""

from __future__ import annotations

import re

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
