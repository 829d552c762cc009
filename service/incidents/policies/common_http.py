"""What the routes of the response room share: callers, the rules in force, keyset pages."""

from __future__ import annotations

from functools import partial
from typing import Annotated

from fastapi import Depends, Request

from service.auth.guards import holder_of
from service.auth.permissions import Permission
from service.auth.subject import Subject
from service.incidents.policies.cache import ResponseCache
from service.incidents.policies.store import decoded
from service.kit.paging import query_page

Manager = Annotated[Subject, Depends(holder_of(Permission.POLICY_MANAGE, countywide=True))]
Reader = Annotated[Subject, Depends(holder_of(Permission.POLICY_READ, countywide=True))]


def rules_of(request: Request) -> ResponseCache:
    """The process's memory of policies and work time."""
    found: ResponseCache = request.app.state.response
    return found


page = partial(query_page, shown=decoded)
