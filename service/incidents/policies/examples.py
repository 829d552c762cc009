"""Examples of request bodies of the response room (see service.examples)."""

from __future__ import annotations

from service.kit.examples import Examples, one

POLICY = {
    "levels": {
        "1": {"clock": "calendar", "accept": "5min", "assign": "10min", "on_site": "30min",
              "finish": "4h", "close": "24h"},
        "2": {"clock": "calendar", "accept": "20min", "assign": "1h", "on_site": "2h",
              "finish": "24h"},
        "3": {"clock": "work", "accept": "4wh", "assign": "1wd", "on_site": "1wd",
              "finish": "3wd"},
        "4": {"clock": "work", "accept": "1wd", "assign": "1wd", "on_site": "2wd",
              "finish": "15wd"},
    },
    "tiers": {"1": "24h", "2": "2wd", "3": "5wd"},
    "shares": {"amber": 0.7, "red": 1.0, "supervise": 1.2},
    "call_answer": {"1": "5min", "2": "15min", "3": "4wh", "4": "1wd"},
    "extension": {"max": 1, "share": 1.0},
    "max_returns": 2,
}  # fmt: skip
RESPONSE: dict[str, Examples] = {
    "draft_response_policy": {
        **one("复制现行", "a copy of the policy in force", {"note": "汛期加快响应"}),
        **one("复制某版", "a copy of a version", {"copy_of": 1}),
        **one("全新", "a whole policy", {"policy": POLICY}),
    },
    "put_response_policy": one("二级受理加快", "faster at level 2", {"policy": POLICY}),
    "simulate_response_policy": {
        **one("最近一千件", "the last thousand", {"last": 1000}),
        **one("某镇环境卫生", "cleanliness in a township", {"area": "511723001", "category": "06"}),
    },
    "publish_response_policy": {
        **one("立即生效", "from now on", {}),
        **one("定期生效", "from a date", {"valid_from": "2027-03-01T00:00:00+08:00"}),
    },
    "put_work_calendar": one(
        "一年节假日",
        "holidays and make-up days",
        {
            "days": [
                {"date": "2027-01-01", "kind": "holiday", "name": "元旦"},
                {"date": "2027-01-03", "kind": "workday", "name": "元旦调休"},
            ],
            "source": "国务院办公厅关于节假日安排的通知",
        },
    ),
    "put_service_hours": one("午间不休", "open at noon", {"spans": [["08:30", "18:00"]]}),
}
