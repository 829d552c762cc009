"""Logs are one line an event, carry the request's id, and hold no personal data."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from service.kit.logging import HIDDEN, configure_logging


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """Where the logs go, as JSON; the process's logging is put back afterwards."""
    root = logging.getLogger()
    before = root.handlers[:], root.level
    stream = io.StringIO()
    configure_logging("info", as_json=True, stream=stream)
    yield stream
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()
    root.handlers[:], level = before[0], before[1]
    root.setLevel(level)


def last(stream: io.StringIO) -> dict[str, Any]:
    """The last line."""
    found: dict[str, Any] = json.loads(stream.getvalue().splitlines()[-1])
    return found


def test_an_event_is_one_line_with_the_ids_that_are_bound(lines: io.StringIO) -> None:
    with structlog.contextvars.bound_contextvars(request_id="r1"):
        structlog.get_logger("service.x").info("request", route="/v1/incidents", status=201)
    line = last(lines)
    assert (line["event"], line["request_id"], line["status"]) == ("request", "r1", 201)
    assert line["level"] == "info"
    assert line["timestamp"].endswith("Z")


def test_events_of_libraries_have_the_same_shape(lines: io.StringIO) -> None:
    logging.getLogger("uvicorn.error").warning("Uvicorn running on %s", "http://127.0.0.1")
    line = last(lines)
    assert line["event"] == "Uvicorn running on http://127.0.0.1"
    assert (line["level"], line["logger"]) == ("warning", "uvicorn.error")


def test_what_is_below_the_level_is_not_written(lines: io.StringIO) -> None:
    structlog.get_logger().debug("detail")
    logging.getLogger("asyncio").info("detail")
    assert lines.getvalue() == ""


@pytest.mark.parametrize(
    ("given", "written"),
    [
        ("call 13812345678 now", "call 1********** now"),
        ("51172319900101123X", "*" * 18),
        ("postgresql://gridward:secret@db/gridward", "postgresql://gridward:***@db/gridward"),
        ("511723100200001", "511723100200001"),
        ("51172310020000101", "51172310020000101"),
        ("a13812345678b", "a13812345678b"),
    ],
)
def test_numbers_of_people_and_passwords_are_masked(
    lines: io.StringIO, given: str, written: str
) -> None:
    structlog.get_logger().info("told", text=given, nested={"list": [given]})
    assert last(lines)["text"] == written
    assert last(lines)["nested"] == {"list": [written]}


def test_fields_of_people_are_hidden_at_any_depth(lines: io.StringIO) -> None:
    structlog.get_logger().info("told", phone="1", body={"name": "张三", "contact": {"a": 1}})
    line = last(lines)
    assert line["phone"] == HIDDEN
    assert line["body"] == {"name": HIDDEN, "contact": HIDDEN}


def test_a_database_error_does_not_show_the_row(lines: io.StringIO) -> None:
    try:
        raise ValueError(
            'duplicate key value violates "uq_account_login"\n'
            "DETAIL:  Key (login)=(zhang.san) already exists."
        )
    except ValueError:
        structlog.get_logger().exception("unhandled")
    line = last(lines)
    assert "uq_account_login" in line["exception"]
    assert "zhang.san" not in lines.getvalue()


def test_a_job_that_fails_is_named_without_its_payload(lines: io.StringIO) -> None:
    job = {"id": 7, "task_name": "tell", "task_kwargs": {"to": "somebody"}}
    logging.getLogger("procrastinate.worker").error(
        "Job tell[7](to=somebody) ended with status: Error",
        extra={"action": "job_error", "job": job},
    )
    line = last(lines)
    assert (line["event"], line["task"], line["job_id"]) == ("job_error", "tell", 7)
    assert "somebody" not in lines.getvalue()


def test_a_console_gets_text(lines: io.StringIO) -> None:
    stream = io.StringIO()
    configure_logging("info", as_json=False, stream=stream)
    structlog.get_logger().info("worker_started", phone="13812345678")
    assert "worker_started" in stream.getvalue()
    assert "13812345678" not in stream.getvalue()
