"""Named failures of logging in and of administering people."""

from __future__ import annotations

from service.errors import AppError


class InvalidGrant(AppError):
    """Wrong login, password, secret or refresh token; all look the same (RFC 6749 5.2)."""

    status, code = 400, "invalid_grant"
    zh = "账号、密码或令牌不正确。"
    en = "The login, password or token is wrong."


class LockedOut(AppError):
    """Too many wrong passwords; time heals it, an administrator heals it sooner."""

    status, code = 429, "locked_out"
    zh = "连续输错密码，账号已锁定，请 {seconds} 秒后再试或联系管理员。"
    en = "Too many wrong passwords: locked for {seconds} s; wait or ask an administrator."
