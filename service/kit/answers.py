"""Answers of quiet routes: a document as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from starlette.responses import Response

JSON_TYPE = "application/json"


def json_answer(body: Any, headers: Mapping[str, str] | None = None) -> Response:
    """200 with a document as JSON; what the database made, as text or bytes, is JSON already."""
    content = body if isinstance(body, (bytes, str)) else msgspec.json.encode(body)
    return Response(content, headers=headers, media_type=JSON_TYPE)
