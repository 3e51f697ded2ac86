"""How an application is served: the settings of aiohttp's server that our endpoints rely on."""

from typing import Any, Final

from aiohttp import web

from endpoints.application import SHORTCUT
from endpoints.shortcut import Shortcut

_LINE_BYTES: Final = 8_190
_LINGER_SECONDS: Final = 2.0
_KEEP_ALIVE_SECONDS: Final = 75.0


class Runner(web.AppRunner):
    """Serves an application, with a short way before it."""

    def __init__(self, application: web.Application, shortcut: Shortcut, **settings: Any) -> None:
        """Serve `application`, under the settings of aiohttp's server."""
        super().__init__(application, **settings)
        self._shortcut = shortcut

    async def setup(self) -> None:
        """Start the application, and lay the short way before it."""
        await super().setup()
        server = self.server
        if server is None:
            raise RuntimeError("a runner that is set up has a server")
        server.request_handler = self._shortcut.before(server.request_handler)


def make_runner(application: web.Application, *, shutdown_seconds: float = 10.0) -> web.AppRunner:
    """Return a runner for `application`.

    Handlers are cancelled when their caller goes away (mutations protect themselves), bodies are not decompressed (a
    small one may unpack to gigabytes), and aiohttp's own access log is off because ours leaves the query string out.
    """
    return Runner(
        application,
        application[SHORTCUT],
        handler_cancellation=True,
        auto_decompress=False,
        access_log=None,
        max_line_size=_LINE_BYTES,
        max_field_size=_LINE_BYTES,
        lingering_time=_LINGER_SECONDS,
        keepalive_timeout=_KEEP_ALIVE_SECONDS,
        shutdown_timeout=shutdown_seconds,
    )
