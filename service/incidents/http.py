"""What the operations on cases share: the expected version, the key, the answer with its ETag."""

from __future__ import annotations

import re
from typing import Annotated

from fastapi import Depends, Request

from service.incidents.errors import BadIfMatch
from service.kit.case_rows import Answered
from service.kit.hot import Reply
from service.kit.idempotency import Once, once
from service.kit.openapi import reads

ETAG = re.compile(r'^(?:W/)?"([0-9]{1,9})"$')
VERSION = re.compile(rb'"version":(\d+)')


@reads("If-Match")
def if_match(request: Request) -> int | None:
    """The version that If-Match expects; None when it is absent or `*`. Raises BadIfMatch."""
    value = request.headers.get("if-match")
    if value is None or value.strip() == "*":
        return None
    found = ETAG.match(value.strip())
    if found is None:
        raise BadIfMatch(pointer="/If-Match")
    return int(found[1])


Asked = Annotated[Once, Depends(once)]
Expected = Annotated[int | None, Depends(if_match)]


def reply_to(answered: Answered, *, location: bool = False) -> Reply:
    """The answer of the desk as HTTP: with its ETag, and whether it is a replay."""
    body = answered.body.encode()
    version = VERSION.search(body)
    headers = [(b"etag", b'"%b"' % version[1])] if version else []
    if location:
        headers.append((b"location", b"/v1/incidents/%b" % body[7:43]))
    if answered.replayed:
        headers.append((b"idempotency-replayed", b"true"))
    return Reply(body, answered.status, headers)
