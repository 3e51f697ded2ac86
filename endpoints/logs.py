"""Structured logs: one JSON object or one console line per event, for our own events and those of the libraries."""

import logging
import sys
from datetime import UTC, datetime
from typing import Any, Final, TextIO

import orjson
import structlog
from structlog.typing import Processor

ACCESS: Final = "fleetgraph.access"

_access = logging.getLogger(ACCESS)
_root = logging.getLogger()
_structured = structlog.get_logger(ACCESS)


class LineHandler(logging.StreamHandler[TextIO]):
    """Writes lines of JSON: those of loggers, and lines that were never a record."""

    def write(self, line: str) -> None:
        """Write a line that ends with a line feed. A stream that cannot be written to fails no request."""
        self.acquire()
        try:
            self.stream.write(line)
            self.stream.flush()
        except Exception:  # noqa: BLE001 - told as logging tells it when it cannot write a record
            self.handleError(logging.makeLogRecord({"msg": line}))
        finally:
            self.release()


def logs_access() -> bool:
    """Whether the lines of requests and operations are written at all."""
    return _access.isEnabledFor(logging.INFO)


def log_access(event: str, fields: dict[str, Any]) -> None:
    """Write the line of a request or of an operation, at level info.

    There is one for every request. So where lines are JSON they are made here, at a tenth of what the processors of
    structlog take, with the same names and values; `fields` is changed on the way.
    """
    if not logs_access():
        return
    handlers = [handler for handler in _root.handlers if isinstance(handler, LineHandler)]
    if not handlers:
        _structured.info(event, **fields)
        return
    fields["event"] = event
    fields["level"] = "info"
    fields["logger"] = ACCESS
    fields["timestamp"] = datetime.now(UTC)
    line = orjson.dumps(fields, option=orjson.OPT_UTC_Z | orjson.OPT_APPEND_NEWLINE).decode()
    for handler in handlers:
        handler.write(line)


def configure_logs(log_format: str = "json", level: str = "info", stream: TextIO | None = None) -> None:
    """Send all logs to `stream` (standard error), as `json` or `console`.

    Tracebacks come without local variables: those hold passwords and tokens of callers.
    """
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    last: list[Processor] = (
        [structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)]
        if log_format == "console"
        else [
            structlog.processors.ExceptionRenderer(structlog.tracebacks.ExceptionDictTransformer(show_locals=False)),
            structlog.processors.JSONRenderer(),
        ]
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    kind = logging.StreamHandler if log_format == "console" else LineHandler
    handler = kind(stream or sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    # Our own access log says the same without the query string, which may hold variables.
    logging.getLogger("aiohttp.access").setLevel(logging.CRITICAL)
    # Alembic tells of its set-up each time that readiness asks for the revision.
    logging.getLogger("alembic.runtime.migration").setLevel(logging.WARNING)
