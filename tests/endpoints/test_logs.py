"""The lines of requests: as structlog would write them, only cheaper."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import structlog

from endpoints.logs import ACCESS, configure_logs, log_access
from tests.endpoints.conftest import Logs

SECONDS = 10.0
FIELDS = {
    "request_id": "check-0123456789",
    "method": "POST",
    "path": "/graphql",
    "milliseconds": 0.125,
    "principal": None,
    "operation": "Grüße",
    "cost": 12,
}


def line_of(status: int) -> dict[str, Any]:
    return {"event": "request", "status": status, **FIELDS}


def without_time(line: dict[str, Any]) -> list[tuple[str, Any]]:
    return sorted((name, value) for name, value in line.items() if name != "timestamp")


def test_a_line_is_what_structlog_would_write(logs: Logs) -> None:
    structlog.get_logger(ACCESS).info(**line_of(200))
    log_access(line_of, 200)
    theirs, ours = logs.lines
    assert without_time(ours) == without_time(theirs)
    assert len(ours["timestamp"]) == len(theirs["timestamp"]) == len("2026-01-01T00:00:00.000000Z")
    assert ours["timestamp"] >= theirs["timestamp"]


@pytest.mark.parametrize(("level", "lines"), [("debug", 1), ("info", 1), ("warning", 0)])
def test_the_level_decides(logs: Logs, level: str, lines: int) -> None:
    configure_logs("json", level, logs.stream)
    log_access(line_of, 200)
    assert len(logs.of("request")) == lines


def test_the_console_has_the_same_lines() -> None:
    stream = io.StringIO()
    configure_logs("console", "info", stream)
    log_access(line_of, 200)
    assert "request" in stream.getvalue()
    assert "check-0123456789" in stream.getvalue()
    with pytest.raises(json.JSONDecodeError):
        json.loads(stream.getvalue())


def test_a_log_that_cannot_be_written_fails_nobody(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Full(io.StringIO):
        def write(self, text: str) -> int:
            raise OSError("no space left")

    monkeypatch.setattr(logging, "raiseExceptions", True)
    configure_logs("json", "info", Full())
    log_access(line_of, 200)
    assert "no space left" in capsys.readouterr().err


class Heard(io.StringIO):
    """A stream that says when it was written to, and how often."""

    def __init__(self) -> None:
        super().__init__()
        self.wrote = asyncio.Event()
        self.writes = 0

    def write(self, text: str) -> int:
        self.writes += 1
        self.wrote.set()
        return super().write(text)

    @property
    def statuses(self) -> list[int]:
        return [json.loads(line)["status"] for line in self.getvalue().splitlines()]


async def test_lines_are_gathered_for_a_moment() -> None:
    stream = Heard()
    configure_logs("json", "info", stream)
    for status in (200, 404, 500):
        log_access(line_of, status)
    assert stream.writes == 0
    await asyncio.wait_for(stream.wrote.wait(), SECONDS)
    assert (stream.writes, stream.statuses) == (1, [200, 404, 500])
    stream.wrote.clear()
    log_access(line_of, 201)
    await asyncio.wait_for(stream.wrote.wait(), SECONDS)
    assert (stream.writes, stream.statuses) == (2, [200, 404, 500, 201])


async def test_many_lines_do_not_wait() -> None:
    stream = Heard()
    configure_logs("json", "info", stream)
    for status in range(1000):
        log_access(line_of, status)
    assert 0 < stream.writes < 100
    assert stream.statuses == list(range(len(stream.statuses)))
    assert len(stream.statuses) > 900
    await asyncio.wait_for(stream.wrote.wait(), SECONDS)
    logging.getLogger().handlers[0].flush()
    assert stream.statuses == list(range(1000))


def test_each_loop_of_a_process_writes_its_lines() -> None:
    """A loop that ends does so with a timer that never rings."""

    async def leave(status: int) -> None:
        log_access(line_of, status)

    async def stay(status: int) -> None:
        log_access(line_of, status)
        await asyncio.wait_for(stream.wrote.wait(), SECONDS)

    stream = Heard()
    configure_logs("json", "info", stream)
    asyncio.run(leave(1))
    assert stream.statuses == []
    asyncio.run(stay(2))
    assert stream.statuses == [1, 2]


async def test_a_line_has_the_time_of_its_request() -> None:
    stream = Heard()
    configure_logs("json", "info", stream)
    before = datetime.now(UTC)
    log_access(line_of, 200)
    after = datetime.now(UTC) + timedelta(microseconds=1)
    await asyncio.wait_for(stream.wrote.wait(), SECONDS)
    assert before <= datetime.fromisoformat(json.loads(stream.getvalue())["timestamp"]) <= after


async def test_other_lines_do_not_overtake_them(logs: Logs) -> None:
    log_access(line_of, 200)
    structlog.get_logger("fleetgraph.http").error("http.fault")
    log_access(line_of, 500)
    logging.getLogger("a.library").warning("odd")
    assert [line["event"] for line in logs.lines] == ["request", "http.fault", "request", "odd"]


def test_no_line_is_lost_at_the_end_of_the_process() -> None:
    script = """
import asyncio, sys
from endpoints.logs import configure_logs, log_access
async def end():
    log_access(dict, [("event", "last")])
    sys.exit(3)
configure_logs()
asyncio.run(end())
"""
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False, text=True)
    assert ended.returncode == 3
    assert json.loads(ended.stderr)["event"] == "last"
