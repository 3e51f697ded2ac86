"""The explorer: a GraphiQL page and its files, from our own origin, in the development profile alone."""

import os
from pathlib import Path
from typing import Final

import orjson
from aiohttp import web

POLICY: Final = {
    "default-src": ["'none'"],
    "script-src": ["'self'"],
    "worker-src": ["'self'"],
    "style-src": ["'self'", "'unsafe-inline'"],
    "font-src": ["'self'"],
    "img-src": ["'self'", "data:"],
    "connect-src": ["'self'"],
    "base-uri": ["'none'"],
    "form-action": ["'none'"],
    "frame-ancestors": ["'none'"],
}
"""What the page may load when its build says nothing else."""

FALLBACK_POLICY: Final = {
    **POLICY,
    "script-src": ["'self'", "'unsafe-inline'", "https://esm.sh", "https://unpkg.com", "https://cdn.jsdelivr.net"],
    "style-src": ["'self'", "'unsafe-inline'", "https://esm.sh", "https://unpkg.com", "https://cdn.jsdelivr.net"],
    "font-src": ["'self'", "data:", "https://esm.sh", "https://unpkg.com", "https://cdn.jsdelivr.net"],
    "worker-src": ["'self'", "blob:"],
    "connect-src": ["'self'", "https://esm.sh", "https://unpkg.com", "https://cdn.jsdelivr.net"],
}
"""For the page that loads GraphiQL from a CDN, for an explorer that was not built; `fallback-csp.json` replaces it."""

_ASSETS: Final = "/explorer/assets/"
_FOR_EVER: Final = "public, max-age=31536000, immutable"


class ExplorerPage:
    """The page, read once at the start."""

    def __init__(self, folder: Path) -> None:
        """Take `dist/index.html` in `folder`, or `fallback.html` where nothing was built, or a line that says so."""
        self.dist = folder.absolute() / "dist"
        built = self.dist / "index.html"
        fallback = folder / "fallback.html"
        if built.is_file():
            self._html = built.read_bytes()
            self._policy = _policy(self.dist / "csp.json", POLICY)
        elif fallback.is_file():
            self._html = fallback.read_bytes()
            self._policy = _policy(folder / "fallback-csp.json", FALLBACK_POLICY)
        else:
            self._html = (
                b"<!doctype html><title>Fleetgraph</title><p>The explorer is not built. GraphQL is at /graphql."
            )
            self._policy = _policy(folder / "csp.json", POLICY)

    def response(self) -> web.Response:
        """Return the page with its content security policy."""
        return web.Response(
            body=self._html,
            headers={
                "Content-Type": "text/html; charset=utf-8",
                "Content-Security-Policy": self._policy,
                "Cache-Control": "no-cache",
            },
        )

    async def get(self, request: web.Request) -> web.Response:
        """Answer `GET /`."""
        del request
        return self.response()

    async def file(self, request: web.Request) -> web.StreamResponse:
        """Answer `GET /explorer/...` with a file of the build; names that lead out of it do not exist."""
        path = self._path(request.match_info["name"])
        if path is None:
            raise web.HTTPNotFound
        # Workers live under the policy of their own file, and have to import their parts.
        return web.FileResponse(path, headers={"Content-Security-Policy": self._policy})

    def _path(self, name: str) -> Path | None:
        """Return the file with this name below `dist/`, if there is one."""
        path = Path(os.path.normpath(self.dist / name))
        return path if "\0" not in name and path.is_relative_to(self.dist) and path.is_file() else None

    def routes(self) -> list[web.AbstractRouteDef]:
        """Return the routes of the page and of the files below `/explorer/`."""
        return [web.get("/", self.get), web.get("/explorer/{name:.+}", self.file)]


async def cache_assets(request: web.Request, response: web.StreamResponse) -> None:
    """Let browsers keep the files whose names carry the hash of what is in them (a signal of aiohttp)."""
    if request.path.startswith(_ASSETS) and response.status in (200, 304):
        response.headers["Cache-Control"] = _FOR_EVER


def _policy(file: Path, default: dict[str, list[str]]) -> str:
    """Read a policy from a JSON object of lists; `default` where there is no file."""
    directives = orjson.loads(file.read_bytes()) if file.is_file() else default
    return "; ".join(f"{name} {' '.join(values)}" for name, values in directives.items())
