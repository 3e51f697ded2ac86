"""`PUT /uploads/{token}` and `GET /downloads/{token}`: the bytes of artifacts, by signed addresses.

The token in the path is the whole permission, so that devices and command line clients need no login here. Errors have
the shape of all HTTP errors of the gateway: `{"errors": [{"message": ..., "extensions": {"code": ...}}]}`.
"""

import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Final
from urllib.parse import quote
from uuid import UUID

from aiohttp import hdrs, web

from endpoints.answers import STATUSES, HttpError, json_response
from endpoints.ranges import Piece, asked_piece, has_failed_condition, is_unchanged
from services.errors import FleetError, InvalidInput
from services.signed_addresses import SignedAddresses
from services.tokens import Audience
from services.uploads import Download, Files

OCTETS: Final = "application/octet-stream"
CONCURRENT_UPLOADS: Final = 64


class FileRoutes:
    """Takes files and gives them out."""

    def __init__(
        self, files: Files, addresses: SignedAddresses, *, concurrent_uploads: int = CONCURRENT_UPLOADS
    ) -> None:
        """At most `concurrent_uploads` files arrive at the same time in this process; beyond it the answer is 503."""
        self._files = files
        self._addresses = addresses
        self._places = concurrent_uploads

    def routes(self) -> list[web.RouteDef]:
        """What the application serves; a download address is good for GET alone, so HEAD is not allowed."""
        return [
            web.put("/uploads/{token}", self.upload),
            web.get("/downloads/{token}", self.download, allow_head=False),
        ]

    async def upload(self, request: web.Request) -> web.Response:
        """Take the file of an artifact: 201, or an error and nothing kept.

        400 incomplete or of another checksum, 403 address not valid (any more), 404 artifact gone, 409 uploaded
        already, 413 more bytes than declared, 415 compressed, 503 too many at once.
        """
        try:
            artifact_id = self._addresses.artifact_of(Audience.UPLOAD, request.match_info["token"])
            if request.headers.get(hdrs.CONTENT_ENCODING, "identity").lower() != "identity":
                raise HttpError(
                    HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Send the file as it is, not compressed.", close=True
                )
            with self._place():
                await self._take(request, artifact_id)
        except FleetError as error:
            raise _refusal(error) from error
        body = {"artifact": {"id": f"artifact_{artifact_id.hex}", "status": "READY"}}
        return json_response(body, status=HTTPStatus.CREATED)

    async def _take(self, request: web.Request, artifact_id: UUID) -> None:
        try:
            await self._files.take(artifact_id, request.content_length, request.content.iter_any())
        except (web.RequestPayloadError, ConnectionError) as error:
            raise InvalidInput("the body ended before its announced end") from error

    async def download(self, request: web.Request) -> web.StreamResponse:
        """Give out a file, or the piece of it that a Range header asks for.

        206 for a piece, 304 unchanged, 403 address not valid (any more), 404 gone, 412 changed, 416 no such piece.
        """
        artifact_id = self._addresses.artifact_of(Audience.DOWNLOAD, request.match_info["token"])
        async with self._files.open(artifact_id) as download:
            response = web.StreamResponse(headers=_headers(download))
            response.last_modified = download.modified
            response.etag = download.sha256
            if has_failed_condition(request, download.sha256, download.modified):
                raise HttpError(HTTPStatus.PRECONDITION_FAILED, "The file is another one than you expect.")
            if is_unchanged(request, download.sha256, download.modified):
                response.set_status(HTTPStatus.NOT_MODIFIED)
                await response.prepare(request)
                return response
            return await _send(request, response, download)

    @contextmanager
    def _place(self) -> Iterator[None]:
        if not self._places:
            raise HttpError(
                HTTPStatus.SERVICE_UNAVAILABLE,
                "Too many files arrive right now. Try again.",
                headers={"Retry-After": "5"},
                close=True,
            )
        self._places -= 1
        try:
            yield
        finally:
            self._places += 1


async def _send(request: web.Request, response: web.StreamResponse, download: Download) -> web.StreamResponse:
    size = download.file.size
    piece = asked_piece(request, size, download.sha256, download.modified)
    if piece is None:
        piece = Piece(0, size)
    elif piece.length == 0:
        headers = {"Content-Range": f"bytes */{size}"}
        raise HttpError(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, f"The file has {size} bytes.", headers=headers)
    else:
        response.set_status(HTTPStatus.PARTIAL_CONTENT)
        response.headers[hdrs.CONTENT_RANGE] = f"bytes {piece.start}-{piece.start + piece.length - 1}/{size}"
    response.content_length = piece.length
    await response.prepare(request)
    async for chunk in download.file.read(piece.start, piece.length):
        await response.write(chunk)
    await response.write_eof()
    return response


def _headers(download: Download) -> dict[str, str]:
    return {
        hdrs.CONTENT_TYPE: OCTETS,
        hdrs.CONTENT_DISPOSITION: content_disposition(download.file_name),
        hdrs.ACCEPT_RANGES: "bytes",
        hdrs.CACHE_CONTROL: "private, no-transform",
    }


def content_disposition(file_name: str) -> str:
    """An attachment of this name (RFC 6266): in ASCII for old clients, and in UTF-8, percent-encoded, for the rest."""
    plain = unicodedata.normalize("NFKD", file_name).encode("ascii", "ignore").decode()
    safe = "".join(character if character.isalnum() or character in " ._-+()" else "_" for character in plain).strip()
    return f"attachment; filename=\"{safe or 'file'}\"; filename*=UTF-8''{quote(file_name, safe='')}"


def _refusal(error: FleetError) -> HttpError:
    """The same error, and the end of the connection: the rest of the body is not worth reading."""
    status = STATUSES.get(error.code, HTTPStatus.BAD_REQUEST)
    return HttpError(status, error.message, code=error.code.value, close=True)
