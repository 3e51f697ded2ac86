"""Structured logs: one JSON object or one console line per event, for our own events and those of the libraries."""

import logging
import sys
from typing import TextIO

import structlog
from structlog.typing import Processor


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
    handler = logging.StreamHandler(stream or sys.stderr)
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
