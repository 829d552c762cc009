"""Counts guesses at logins that do not exist, so that a lock does not tell which ones do."""

from __future__ import annotations

from collections import OrderedDict
from datetime import datetime, timedelta

REMEMBERED = 20_000


class UnknownLogins:
    """The guesses of this process; bounded, the oldest are forgotten first."""

    def __init__(self, most: int, seconds: int) -> None:
        self._most = most
        self._lock = timedelta(seconds=seconds)
        self._known: OrderedDict[str, tuple[int, datetime | None]] = OrderedDict()

    def take(self, login: str, now: datetime) -> datetime | None:
        """Count a guess at `login`; until when it is locked, or None when it may be checked."""
        number, locked_until = self._known.pop(login, (0, None))
        if locked_until is not None and locked_until > now:
            self._known[login] = (number, locked_until)
            return locked_until
        number = 1 if locked_until is not None else number + 1
        self._known[login] = (number, now + self._lock if number >= self._most else None)
        if len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
        return None
