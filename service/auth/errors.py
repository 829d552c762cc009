"""Named failures of logging in and of administering people."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from typing import Any

from service.errors import AppError, Forbidden, Unauthenticated


class OAuthError(AppError):
    """A refusal of the token endpoint: a problem document with RFC 6749's `error` member."""

    def __init__(self, **params: Any) -> None:
        super().__init__(extra={"error": self.code}, **params)


class InvalidRequest(OAuthError):
    """The form lacks a parameter, repeats one, or gives a wrong one (RFC 6749 5.2)."""

    status, code = 400, "invalid_request"
    zh = "令牌请求有误：{reason_zh}"
    en = "The token request is wrong: {reason_en}"


class InvalidGrant(OAuthError):
    """Wrong login, password or refresh token; all look the same (RFC 6749 5.2)."""

    status, code = 400, "invalid_grant"
    zh = "账号、密码或令牌不正确。"
    en = "The login, password or token is wrong."


class InvalidClient(OAuthError):
    """A system's id or secret is wrong (RFC 6749 5.2)."""

    status, code = 401, "invalid_client"
    zh = "客户端标识或密钥不正确。"
    en = "The client id or secret is wrong."
    headers = {"WWW-Authenticate": 'Basic realm="gridward"'}  # noqa: RUF012 - as AppError declares


class UnsupportedGrantType(OAuthError):
    """A grant type that this service does not offer (RFC 6749 5.2)."""

    status, code = 400, "unsupported_grant_type"
    zh = "不支持该 grant_type，请使用 password、refresh_token 或 client_credentials。"
    en = "This grant_type is not offered; use password, refresh_token or client_credentials."


class LockedOut(AppError):
    """Too many wrong passwords; time heals it, an administrator heals it sooner."""

    status, code = 429, "locked_out"
    zh = "连续输错密码，账号已锁定，请 {seconds} 秒后再试或联系管理员。"
    en = "Too many wrong passwords: locked for {seconds} s; wait or ask an administrator."

    def __init__(self, *, until: datetime, now: datetime) -> None:
        seconds = max(1, math.ceil((until - now).total_seconds()))
        super().__init__(seconds=seconds)
        self.headers = {"Retry-After": str(seconds)}  # type: ignore[misc]  # differs each time


class UnlinkedSubject(Unauthenticated):
    """The other issuer vouches for the caller, but no account is linked to it."""

    code = "oidc_subject_unlinked"
    zh = "统一身份 {subject} 尚未关联本系统账号，请联系管理员关联。"
    en = "The identity {subject} is linked to no account here; ask an administrator to link it."


class WrongPassword(AppError):
    """The old password given with a new one is wrong; it counts as a guess."""

    status, code = 422, "wrong_password"
    zh = "原密码不正确。"
    en = "The old password is wrong."


class WeakPassword(AppError):
    """The new password is too short, common, a pattern, or the login itself."""

    status, code = 422, "weak_password"
    zh = "新密码不可用：{reason_zh}"
    en = "The new password cannot be used: {reason_en}"


class OutsideArea(Forbidden):
    """The caller administers, but not there: a township's administrator and the county."""

    code = "outside_area"
    zh = "超出您负责的区域（{areas}），不能执行此操作。"
    en = "This reaches outside the area that you administer ({areas})."


class OwnAccount(Forbidden):
    """Nobody administers the own account: somebody else must."""

    code = "own_account"
    zh = "不能管理自己的账号和任职，请由其他管理员办理；修改密码请用 /v1/me/password。"
    en = "Nobody administers the own account: ask another administrator, or use /v1/me/password."


class LoginTaken(AppError):
    """Logins are unique and never change hands."""

    status, code = 409, "login_taken"
    zh = "登录名 {login} 已被使用，请换一个。"
    en = "The login {login} is taken; choose another."


class SubjectTaken(AppError):
    """An identity of the other issuer belongs to one account at most."""

    status, code = 409, "oidc_subject_taken"
    zh = "该统一身份已关联其他账号。"
    en = "This identity is linked to another account."


class IdTaken(AppError):
    """A client-made id that exists already."""

    status, code = 409, "id_taken"
    zh = "标识 {id} 已存在，请换新的 UUIDv7。"
    en = "The id {id} exists already; make a new UUIDv7."


class AccountDisabled(AppError):
    """A disabled account gets no role."""

    status, code = 409, "account_disabled"
    zh = "该账号已停用，请先启用再任职。"
    en = "The account is disabled; enable it before giving it a role."


class UnknownArea(AppError):
    """No division or grid in force has this code."""

    status, code = 422, "unknown_area"
    zh = "没有代码为 {area} 的现行区划或网格。"
    en = "No division or grid in force has the code {area}."


class UnknownUnit(AppError):
    """No active unit has this code."""

    status, code = 422, "unknown_unit"
    zh = "没有代码为 {unit} 的在用单位。"
    en = "No active unit has the code {unit}."


class UnitTaken(AppError):
    """Unit codes are unique."""

    status, code = 409, "unit_taken"
    zh = "单位代码 {unit} 已存在。"
    en = "The unit code {unit} exists already."


class RoleMisplaced(AppError):
    """The role does not fit the kind of account, the level of area or the unit."""

    status, code = 422, "role_misplaced"
    zh = "不能这样任职：{reason_zh}"
    en = "This role cannot be given like that: {reason_en}"


class BadPeriod(AppError):
    """A period that is empty, over, or begins in the past."""

    status, code = 422, "bad_period"
    zh = "任职起止时间不合理：起始不得早于现在，终止须晚于起始。"
    en = "The period is wrong: it begins now or later and ends after it begins."


class AssignmentExists(AppError):
    """The account has the same role there in an overlapping period."""

    status, code = 409, "assignment_exists"
    zh = "该账号在此区域已有同样的任职。"
    en = "The account has this role there already."


class AlreadyEnded(AppError):
    """The assignment is over."""

    status, code = 409, "already_ended"
    zh = "该任职已终止。"
    en = "The assignment has ended already."


class TooManyReveals(AppError):
    """Personal data may be shown in clear only so often an hour."""

    status, code = 429, "too_many_reveals"
    zh = "每小时最多查看 {limit} 次联系方式，请稍后再试。"
    en = "Contacts may be revealed {limit} times an hour at most; try later."

    def __init__(self, *, limit: int, wait: timedelta) -> None:
        super().__init__(limit=limit)
        seconds = max(1, math.ceil(wait.total_seconds()))
        self.headers = {"Retry-After": str(seconds)}  # type: ignore[misc]  # differs each time
