"""The story: a manhole cover is missing, and the case climbs grid, village, township, county.

Every line that is printed comes from an answer of the running service; the clauses come from its
Link header and its timeline.
"""

from __future__ import annotations

import io
import re
from dataclasses import dataclass, field
from typing import Any

import httpx
from PIL import Image, ImageDraw
from rich.console import Console
from rich.table import Table

from geo import crs
from geo.positions import Crs
from service.demo.cast import DemoAccount
from service.kit.ids import uuid7

CLAUSE = re.compile(r"/v1/plan/clauses/([\d.]+)")


@dataclass
class Actor:
    """One account, logged in."""

    account: DemoAccount
    http: httpx.Client
    token: str = field(repr=False)

    def call(self, method: str, path: str, **more: Any) -> httpx.Response:
        """The answer, which must be a success. Raises httpx.HTTPError."""
        headers = {"authorization": f"Bearer {self.token}", **more.pop("headers", {})}
        answer = self.http.request(method, path, headers=headers, **more)
        answer.raise_for_status()
        return answer


def log_in(http: httpx.Client, account: DemoAccount) -> Actor:
    """`account` with a token from the token endpoint."""
    answer = http.post(
        "/v1/auth/token",
        data={"grant_type": "password", "username": account.login, "password": account.password},
    )
    answer.raise_for_status()
    return Actor(account, http, answer.json()["access_token"])


def photo(caption: str) -> bytes:
    """A small JPEG that stands for a worker's photo."""
    image = Image.new("RGB", (640, 480), (96, 110, 96))
    draw = ImageDraw.Draw(image)
    draw.ellipse((220, 160, 420, 320), fill=(30, 30, 34), outline=(200, 200, 60), width=6)
    draw.text((20, 440), caption, fill=(255, 255, 255))
    out = io.BytesIO()
    image.save(out, "JPEG", quality=80)
    return out.getvalue()


class Story:
    """Plays one incident's whole life and prints each step with the clauses that it fulfils."""

    def __init__(self, http: httpx.Client, cast: list[DemoAccount], console: Console) -> None:
        self._console = console
        self._actors = {account.login: log_in(http, account) for account in cast}
        self._table = Table(title="一件事的一生 · the life of one incident", show_lines=False)
        for heading in ("步骤 step", "谁 who", "层级 tier", "状态 state", "条款 clauses"):
            self._table.add_column(heading)

    def play(self, position: tuple[float, float], unit: str) -> str:
        """The incident's id. `position` is lon, lat in EPSG:4490 inside the worker's grid."""
        incident = self._report(position)
        path = f"/v1/incidents/{incident['id']}"
        self._step("worker", path, "accept", {"note": "到现场看看"})
        self._step("worker", path, "arrive", {})
        self._step("worker", path, "escalate", {"note": "井盖缺失，网格无备件"})
        self._step("village", path, "accept", {})
        self._step("village", path, "escalate", {"note": "村级无市政维修力量"})
        self._step("township", path, "accept", {})
        self._step("township", path, "escalate", {"note": "属县级市政管网"})
        self._step("county", path, "accept", {})
        self._step("county", path, "assign", {"unit": unit, "note": "请当日处置"})
        self._step("unit", path, "arrive", {})
        self._step("unit", path, "handle", {"note": "更换井盖"})
        evidence = self._evidence("unit", "cover replaced")
        self._step("unit", path, "submit", {"note": "已更换并加固", "attachments": [evidence]})
        self._step("county", path, "verify", {"result": "passed", "note": "看过照片，电话核实"})
        self._step("county", path, "close", {})
        self._step("worker", path, "follow-up", {"satisfaction": "satisfied"})
        self._console.print(self._table)
        self._explain(path)
        return str(incident["id"])

    def play_self_handled(self, position: tuple[float, float]) -> None:
        """A second one that the worker reports and closes in one call."""
        body = self._body(position, "0601", "楼道口垃圾外溢，已清扫")
        body["self_handled"] = {"note": "当场清扫干净"}
        answer = self._actors["worker"].call("POST", "/v1/incidents", json=body)
        case = answer.json()
        self._console.print(
            f"自处置 self-handled: {case['number']} → {case['state']} "
            f"（条款 {', '.join(CLAUSE.findall(answer.headers['link']))}）"
        )

    def _body(self, position: tuple[float, float], category: str, what: str) -> dict[str, Any]:
        lon, lat = crs.from_canonical(*position, Crs.GCJ02)
        location = {"lon": round(lon, 6), "lat": round(lat, 6), "crs": "gcj02", "accuracy_m": 8}
        return {"id": str(uuid7()), "category": category, "location": location, "description": what}

    def _report(self, position: tuple[float, float]) -> dict[str, Any]:
        body = self._body(position, "0502", "河滨路人行道窨井盖缺失，已放警示牌")
        body["contact"] = {"name": "刘群众", "phone": "13800001234"}
        body["attachments"] = [self._evidence("worker", "cover missing")]
        answer = self._actors["worker"].call("POST", "/v1/incidents", json=body)
        incident: dict[str, Any] = answer.json()
        self._console.print(
            f"手机坐标 GCJ-02 ({body['location']['lon']}, {body['location']['lat']}) → "
            f"CGCS2000 {incident['location']['coordinates']} → 网格 {incident['grid_code']}"
        )
        self._row("report 上报", "worker", answer)
        return incident

    def _evidence(self, login: str, caption: str) -> str:
        files = {"file": (f"{caption}.jpg", photo(caption), "image/jpeg")}
        answer = self._actors[login].call("POST", "/v1/attachments", files=files)
        return str(answer.json()["id"])

    def _step(self, login: str, path: str, action: str, body: dict[str, Any]) -> None:
        actor = self._actors[login]
        version = actor.call("GET", path).headers["etag"]
        answer = actor.call("POST", f"{path}/{action}", json=body, headers={"if-match": version})
        self._row(action, login, answer)

    def _row(self, action: str, login: str, answer: httpx.Response) -> None:
        case, account = answer.json(), self._actors[login].account
        clauses = ", ".join(
            dict.fromkeys([*CLAUSE.findall(answer.headers["link"]), *case["clauses"]])
        )
        tier = str(case["holder"]["tier"])
        self._table.add_row(action, f"{account.name} {account.role}", tier, case["state"], clauses)

    def _explain(self, path: str) -> None:
        county = self._actors["county"]
        timeline = county.call("GET", f"{path}/timeline").json()["items"]
        self._console.print(f"时间线 timeline: {len(timeline)} events, chained by hash")
        clause = county.call("GET", "/v1/plan/clauses/23.2").json()
        self._console.print(f"条款 clause 23.2: {clause['summary_zh']} · {clause['summary_en']}")
