"""The lines of requests: as structlog would write them, only cheaper."""

from __future__ import annotations

import io
import json
import logging
from typing import Any

import pytest
import structlog

from endpoints.logs import ACCESS, configure_logs, log_access
from tests.endpoints.conftest import Logs

FIELDS = {
    "request_id": "check-0123456789",
    "method": "POST",
    "path": "/graphql",
    "status": 200,
    "milliseconds": 0.125,
    "principal": None,
    "operation": "Grüße",
    "cost": 12,
}


def without_time(line: dict[str, Any]) -> list[tuple[str, Any]]:
    return sorted((name, value) for name, value in line.items() if name != "timestamp")


def test_a_line_is_what_structlog_would_write(logs: Logs) -> None:
    structlog.get_logger(ACCESS).info("request", **FIELDS)
    log_access("request", dict(FIELDS))
    theirs, ours = logs.lines
    assert without_time(ours) == without_time(theirs)
    assert len(ours["timestamp"]) == len(theirs["timestamp"]) == len("2026-01-01T00:00:00.000000Z")
    assert ours["timestamp"] >= theirs["timestamp"]


@pytest.mark.parametrize(("level", "lines"), [("debug", 1), ("info", 1), ("warning", 0)])
def test_the_level_decides(logs: Logs, level: str, lines: int) -> None:
    configure_logs("json", level, logs.stream)
    log_access("request", dict(FIELDS))
    assert len(logs.of("request")) == lines


def test_the_console_has_the_same_lines() -> None:
    stream = io.StringIO()
    configure_logs("console", "info", stream)
    log_access("request", dict(FIELDS))
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
    log_access("request", dict(FIELDS))
    assert "no space left" in capsys.readouterr().err
