"""What the operations on cases share: the key, the answer with its ETag."""

from __future__ import annotations

import re
from typing import Annotated

from fastapi import Depends

from service.kit.case_rows import Answered
from service.kit.hot import Reply
from service.kit.idempotency import Once, once

VERSION = re.compile(rb'"version":(\d+)')


Asked = Annotated[Once, Depends(once)]


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
