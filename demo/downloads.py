"""Downloading like a device on a bad line: in pieces, from where it stopped, and believed only by its checksum."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Final

import aiohttp

from demo.link import Away, Link

_PIECE: Final = 65_536
_WHOLE: Final = 200
_PART: Final = 206


class Gone(Exception):
    """The address is over, or the file behind it is gone or another one: a new address has to be asked for."""


class Download:
    """One file on its way. Nothing is kept of it but how much there is, and its SHA-256 so far."""

    def __init__(self, url: str, sha256: str | None) -> None:
        """Without `sha256` the file is believed when it is what its ETag says, which is the same in this gateway."""
        self.url = url
        self.got = 0
        self.size: int | None = None
        self.resumes = 0
        self._sha256 = sha256
        self._etag: str | None = None
        self._digest = hashlib.sha256()

    @property
    def is_whole(self) -> bool:
        """Whether all of it is there."""
        return self.size is not None and self.got == self.size

    @property
    def is_good(self) -> bool:
        """Whether it is the file that was promised."""
        promised = self._sha256 or (self._etag or "").strip('"')
        return self.is_whole and self._digest.hexdigest() == promised

    @property
    def share(self) -> float:
        """How much of it is there, from 0 to 1."""
        return self.got / self.size if self.size else 0.0

    async def go_on(self, link: Link, share: float = 1.0) -> None:
        """Fetch what is missing, or this share of it and then hang up. Raises Away and Gone."""
        async with link.downloads:
            try:
                async with link.session.get(self.url, headers=self._headers()) as response:
                    self._begin(response.status, response.headers)
                    missing = (self.size or 0) - self.got
                    await self._take(response, missing if share >= 1 else int(missing * share))
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                raise Away(str(error)) from error

    def _headers(self) -> dict[str, str]:
        """A file that has changed meanwhile comes whole (If-Range)."""
        if not self.got or self._etag is None:
            return {}
        return {"Range": f"bytes={self.got}-", "If-Range": self._etag}

    def _begin(self, status: int, headers: Mapping[str, str]) -> None:
        if status == _PART and headers.get("Content-Range", "").startswith(f"bytes {self.got}-"):
            self.resumes += 1
            return
        if status != _WHOLE:
            raise Gone(f"an answer of status {status}")
        self.got = 0
        self._digest = hashlib.sha256()
        self._etag = headers.get("ETag")
        self.size = int(headers["Content-Length"])

    async def _take(self, response: aiohttp.ClientResponse, most: int) -> None:
        while most > 0 and (piece := await response.content.read(min(_PIECE, most))):
            self._digest.update(piece)
            self.got += len(piece)
            most -= len(piece)
        if not self.is_whole:
            response.close()
