"""The one clock. Rules take the time as an argument; only actions ask for it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

CHINA = timezone(timedelta(hours=8), "Asia/Shanghai")


def now() -> datetime:
    """The present, timezone-aware, in UTC."""
    return datetime.now(UTC)


def iso(moment: datetime) -> str:
    """RFC 3339 text with offset, in the offset that the moment carries."""
    return moment.isoformat()


def local(moment: datetime) -> datetime:
    """The same moment on the wall clock of China (UTC+8, no daylight saving since 1991)."""
    return moment.astimezone(CHINA)
