"""Named failures of the console."""

from __future__ import annotations

from service.errors import AppError


class BadEventId(AppError):
    """The event id was changed, or comes from another account's stream or another deployment."""

    status, code = 400, "bad_event_id"
    zh = "Last-Event-ID 无效：不是本账号从本系统收到的消息编号，请不带编号重新连接并刷新队列。"
    en = (
        "Last-Event-ID is not one that this account got from this service: "
        "connect without it and read the queue again."
    )


class EventIdFromFuture(AppError):
    """The event id names a point that this database has not reached, as after a restored backup."""

    status, code = 400, "event_id_from_future"
    zh = "Last-Event-ID 晚于系统现有的全部消息，请不带编号重新连接并刷新队列。"
    en = (
        "Last-Event-ID lies ahead of every event here: connect without it and read the queue again."
    )


class ExportTooLarge(AppError):
    """More rows than one export may have."""

    status, code = 422, "export_too_large"
    zh = "导出超过 {limit} 行，请用筛选条件缩小范围。"
    en = "The export has more than {limit} rows: narrow it with filters."
