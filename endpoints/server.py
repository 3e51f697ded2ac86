"""How an application is served: the settings of aiohttp's server that our endpoints rely on."""

from typing import Final

from aiohttp import web

_LINE_BYTES: Final = 8_190
_LINGER_SECONDS: Final = 2.0
_KEEP_ALIVE_SECONDS: Final = 75.0


def make_runner(application: web.Application, *, shutdown_seconds: float = 10.0) -> web.AppRunner:
    """Return a runner for `application`.

    Handlers are cancelled when their caller goes away (mutations protect themselves), bodies are not decompressed (a
    small one may unpack to gigabytes), and aiohttp's own access log is off because ours leaves the query string out.
    """
    return web.AppRunner(
        application,
        handler_cancellation=True,
        auto_decompress=False,
        access_log=None,
        max_line_size=_LINE_BYTES,
        max_field_size=_LINE_BYTES,
        lingering_time=_LINGER_SECONDS,
        keepalive_timeout=_KEEP_ALIVE_SECONDS,
        shutdown_timeout=shutdown_seconds,
    )
