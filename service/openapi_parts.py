"""The parts that operations refer to: conventions, tags, security, header fields."""

from __future__ import annotations

from typing import Any

CONVENTIONS = """
## 约定 Conventions

* **错误 Errors** are RFC 9457 problem details (`application/problem+json`) with a stable `code`,
  a text in Chinese or English (`Accept-Language`, Chinese by default) and JSON pointers to what is
  wrong. An unknown path is 404; another method than those listed here is 405 with `Allow`.
  What a caller may not see is 404, what a caller may not do is 403.
* **编号 Ids** are UUIDs (version 7). A client may make them itself: sending the same thing again
  gives the first answer, and so does `Idempotency-Key` on everything that creates or acts
  (`Idempotency-Replayed: true`). The same id or key with other content is 409.
* **分页 Lists** are `{"items": […], "next": cursor}`; `next` is null on the last page. A cursor
  belongs to its list and filters.
* **并发 Versions**: `ETag` of a case is its version; an action with a stale `If-Match` is 412.
* **坐标 Positions** go in with a declared `crs` and come out as longitude, latitude in EPSG:4490.
* **时间 Times** are RFC 3339 with an offset.
* **依据 Clauses**: each operation lists the clauses of the plan that it fulfils in
  `x-plan-clauses`, each answer links to them (`rel="describedby"`).
"""

TAGS: list[dict[str, str]] = [
    {"name": "incidents", "description": "事件：上报、分级响应、处置、核查、结案。Incidents."},
    {"name": "dispatch", "description": "调度台：待办队列、实时消息、批量操作、导出。Console."},
    {"name": "categories", "description": "事件类别与时限，按版本发布。Categories and limits."},
    {
        "name": "response",
        "description": "响应时限、工作日历、工作时段。Response policies, calendars, service hours.",
    },
    {
        "name": "duties",
        "description": "权责清单与清单外派单审批。Duty lists, and approvals of work outside them.",
    },
    {"name": "attachments", "description": "附件：照片等佐证材料。Files as evidence."},
    {"name": "areas", "description": "行政区划：县、乡镇、村（社区）。Divisions."},
    {"name": "grids", "description": "网格：编码、边界、版本、沿革、定位。Coded grids."},
    {
        "name": "delineations",
        "description": "划分成果：提交、检查、发布。Polygons submitted, checked and published.",
    },
    {
        "name": "emergency",
        "description": "应急：预案、响应、演练、指挥、轨迹。Plans, activations, drills, tracks.",
    },
    {
        "name": "resources",
        "description": "应急资源：队伍、车辆、避难场所、储备点与库存。Resources with live stock.",
    },
    {"name": "plan", "description": "实施方案：条款、落实情况、文本导入。The plan's clauses."},
    {
        "name": "indicators",
        "description": "运行指标：定义、分子分母、目标。Indicators: definitions and figures.",
    },
    {"name": "auth", "description": "登录与本人账号。Logging in, and the caller's own account."},
    {"name": "people", "description": "账号、任职、单位。Accounts, assignments and units."},
    {"name": "plain", "description": "运行状态。Alive, ready, metrics."},
]

SECURITY_SCHEMES: dict[str, Any] = {
    "oauth2": {
        "type": "oauth2",
        "description": "内置账号与系统对接。Accounts kept here, and other systems.",
        "flows": {
            "password": {
                "tokenUrl": "/v1/auth/token",
                "refreshUrl": "/v1/auth/token",
                "scopes": {},
            },
            "clientCredentials": {"tokenUrl": "/v1/auth/token", "scopes": {}},
        },
    },
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "访问令牌，本系统或统一身份认证签发。An access token of this service, or "
        "of the OpenID Connect issuer that the deployment trusts.",
    },
    "client": {
        "type": "http",
        "scheme": "basic",
        "description": "系统的标识与密钥，代替表单字段。A system's id and secret, instead of the "
        "form's fields (RFC 6749 section 2.3.1).",
    },
}


def _parameter(name: str, description: str, example: str, **schema: Any) -> dict[str, Any]:
    return {
        "name": name,
        "in": "header",
        "description": description,
        "schema": {"type": "string", **schema},
        "example": example,
    }


def _header(description: str, example: str, *, required: bool = True) -> dict[str, Any]:
    return {
        "description": description,
        "required": required,
        "schema": {"type": "string"},
        "example": example,
    }


PARAMETERS: dict[str, Any] = {
    part["name"]: part
    for part in (
        _parameter(
            "Accept-Language",
            "提示语言 Language of texts: Chinese unless English ranks higher (RFC 9110)",
            "en",
            maxLength=200,
        ),
        _parameter(
            "Idempotency-Key",
            "重放标识 The same key with the same content gives the first answer again",
            "0197c7a2-6f5e-7c11-9f0a-1d2e3f405162",
            minLength=1,
            maxLength=200,
            pattern="^[ -~]+$",
        ),
        _parameter(
            "If-Match",
            "版本前提 The ETag that the caller has seen; `*` or none: any version",
            '"3"',
            pattern=r'^(\*|(W/)?"[0-9]{1,9}")$',
        ),
        _parameter(
            "If-None-Match", "已有版本 ETags that the caller has: then 304", '"categories-1"'
        ),
        _parameter("Range", "分段下载 One range of bytes (RFC 9110 section 14)", "bytes=0-1023"),
        _parameter("If-Range", "分段前提 The ETag that the range belongs to", '"9f86d081884c7d65"'),
    )
}

HEADERS: dict[str, Any] = {
    "X-Request-Id": _header("本次请求的编号 Names this request in the logs", "3f9c2a7b00000001"),
    "Link": _header(
        "依据条款 The clauses of the plan that the answer fulfils (RFC 8288)",
        '</v1/plan/clauses/23.2>; rel="describedby"',
    ),
    "Location": _header(
        "新建对象的地址 Where the new thing is",
        "/v1/incidents/0197c7a2-6f5e-7c11-9f0a-1d2e3f405162",
    ),
    "ETag": _header("版本 The version of what is shown, for If-Match or If-None-Match", '"3"'),
    "Idempotency-Replayed": _header(
        "重放 `true` when this is the first answer given again", "true", required=False
    ),
    "Content-Language": _header("提示语言 Language of the text", "zh"),
    "WWW-Authenticate": _header("认证方式 How to authenticate (RFC 6750)", "Bearer"),
    "Retry-After": _header("多少秒后重试 Seconds to wait before trying again", "2"),
    "Retry-After-If-Busy": _header(
        "多少秒后重试 Seconds to wait, when somebody else is changing it", "1", required=False
    ),
    "X-Accel-Buffering": _header("不缓冲 Proxies must not hold the stream back", "no"),
    "Accept-Ranges": _header("可分段 Ranges of bytes may be asked for", "bytes"),
    "Content-Disposition": _header("文件名 The file's name", 'attachment; filename="photo.jpg"'),
    "Content-Range": _header("分段 Which bytes of how many", "bytes 0-1023/183204"),
}
