"""Structured logs: one JSON object or one console line per event, for our own events and those of the libraries."""

import asyncio
import logging
import sys
import time
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final, TextIO, TypeAlias

import orjson
import structlog
from structlog.typing import Processor

ACCESS: Final = "fleetgraph.access"
_OPTIONS: Final = orjson.OPT_UTC_Z | orjson.OPT_APPEND_NEWLINE
_GATHERING_SECONDS: Final = 0.02
_GATHERED_LINES: Final = 64
"""As many take about a tenth of a millisecond to be written, in which nobody is served."""

Line: TypeAlias = dict[str, Any]
"""What a line says, by name; its `event` says what it is about."""
Gathered: TypeAlias = tuple[float, Callable[..., Line], tuple[Any, ...]]
"""When it was, what makes a line, and from what."""

_access = logging.getLogger(ACCESS)
_root = logging.getLogger()
_structured = structlog.get_logger(ACCESS)


class LineHandler(logging.StreamHandler[TextIO]):
    """Writes lines of JSON: records of loggers, and lines that were never a record.

    The latter are gathered for a moment, then made and written in one go, which takes a third of the time of one by
    one: at the latest before the next record, and at the end of the process.
    """

    def __init__(self, stream: TextIO) -> None:
        """Write to `stream`."""
        super().__init__(stream)
        self._gathered: deque[Gathered] = deque()
        self._loop: asyncio.AbstractEventLoop | None = None
        """Where a timer runs that ends the gathering."""

    def gather(self, make: Callable[..., Line], arguments: tuple[Any, ...]) -> None:
        """Write the line that `make` returns for `arguments`; soon, when there is an event loop."""
        self._gathered.append((time.time(), make, arguments))
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            self.flush()
            return
        if self._loop is not loop:
            self._loop = loop
            loop.call_later(_GATHERING_SECONDS, self._end_gathering)
        elif len(self._gathered) >= _GATHERED_LINES:
            self.flush()

    def _end_gathering(self) -> None:
        self._loop = None
        self.flush()

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record, behind what has been gathered."""
        self.flush()
        super().emit(record)

    def flush(self) -> None:
        """Write what has been gathered. A stream that cannot be written to fails no request."""
        self.acquire()
        try:
            if self._gathered:
                try:
                    self.stream.write(_text(self._gathered))
                except Exception:  # noqa: BLE001 - told as logging tells it when it cannot write a record
                    self.handleError(logging.makeLogRecord({"msg": "lines of requests", "args": None}))
            super().flush()
        finally:
            self.release()


def _text(gathered: deque[Gathered]) -> str:
    """Make the lines, and leave nothing gathered."""
    lines = []
    while gathered:
        moment, make, arguments = gathered.popleft()
        line = make(*arguments)
        line["level"] = "info"
        line["logger"] = ACCESS
        line["timestamp"] = datetime.fromtimestamp(moment, UTC)
        lines.append(orjson.dumps(line, option=_OPTIONS))
    return b"".join(lines).decode()


def log_access(make: Callable[..., Line], *arguments: Any) -> None:
    """Write the line of a request or of an operation, at level info, with what `make` returns for `arguments`.

    There is one for every request. So where lines are JSON they are made past the processors of structlog, with the
    same names and values.
    """
    if not _access.isEnabledFor(logging.INFO):
        return
    structured = True
    for handler in _root.handlers:
        if isinstance(handler, LineHandler):
            handler.gather(make, arguments)
            structured = False
    if structured:
        _structured.info(**make(*arguments))


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
