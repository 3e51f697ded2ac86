"""`/uploads/{token}` and `/downloads/{token}`: the bytes of artifacts and attachments, by signed addresses.

The token in the path is the whole permission, so that devices and command line clients need no login here. A file comes
whole with PUT, or in pieces by the tus protocol (`endpoints.resumable`). Errors have the shape of all HTTP errors of
the gateway: `{"errors": [{"message": ..., "extensions": {"code": ...}}]}`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Final
from uuid import UUID

from aiohttp import hdrs, web

from endpoints.answers import STATUSES, HttpError, json_response
from endpoints.ranges import Piece, asked_piece, has_failed_condition, is_unchanged
from services.artifact_rules import check_md5, content_disposition
from services.errors import FleetError, InvalidInput
from services.signed_addresses import SignedAddresses
from services.tokens import Audience
from services.uploads import Download, Files, Taken

OCTETS: Final = "application/octet-stream"
CONCURRENT_UPLOADS: Final = 64
_CONTENT_MD5: Final = "Content-MD5"


class UploadPlaces:
    """How many files may arrive at the same time in this process, whole or in pieces."""

    def __init__(self, most: int = CONCURRENT_UPLOADS) -> None:
        """Beyond `most` the answer is 503."""
        self._left = most

    @contextmanager
    def one(self) -> Iterator[None]:
        """Hold one of them; raises HttpError when there is none."""
        if not self._left:
            raise HttpError(
                HTTPStatus.SERVICE_UNAVAILABLE,
                "Too many files arrive right now. Try again.",
                headers={"Retry-After": "5"},
                close=True,
            )
        self._left -= 1
        try:
            yield
        finally:
            self._left += 1


class FileRoutes:
    """Takes whole files and gives them out."""

    def __init__(self, files: Files, addresses: SignedAddresses, places: UploadPlaces) -> None:
        """`places` are shared with those who send in pieces."""
        self._files = files
        self._addresses = addresses
        self._places = places

    def routes(self) -> list[web.RouteDef]:
        """What the application serves; a download address is good for GET alone, so HEAD is not allowed."""
        return [
            web.put("/uploads/{token}", self.upload),
            web.get("/downloads/{token}", self.download, allow_head=False),
        ]

    async def upload(self, request: web.Request) -> web.Response:
        """Take a whole file: 201, or an error and nothing kept.

        400 incomplete, of another checksum, without the Content-MD5 that was declared, or not what its format asks for,
        403 address not valid (any more), 404 artifact gone, 409 uploaded already or in the way of another, 413 more
        bytes than declared or taken, or no storage left, 415 compressed, 503 too many at once.
        """
        try:
            file_id = self._addresses.file_of(Audience.UPLOAD, request.match_info["token"])
            require_plain(request)
            with self._places.one():
                taken = await self._take(request, file_id)
        except FleetError as error:
            raise refusal(error) from error
        noun = "attachment" if taken.is_attachment else "artifact"
        body = {noun: {"id": f"{noun}_{file_id.hex}", "status": taken.status.value}}
        return json_response(body, status=HTTPStatus.CREATED)

    async def _take(self, request: web.Request, file_id: UUID) -> Taken:
        md5 = request.headers.get(_CONTENT_MD5)
        try:
            digest = None if md5 is None else check_md5(md5)
            return await self._files.take(file_id, request.content_length, request.content.iter_any(), digest)
        except (web.RequestPayloadError, ConnectionError) as error:
            raise InvalidInput("the body ended before its announced end") from error

    async def download(self, request: web.Request) -> web.StreamResponse:
        """Give out a file, or the piece of it that a Range header asks for.

        206 for a piece, 304 unchanged, 403 address not valid (any more), 404 gone, 412 changed, 416 no such piece.
        """
        file_id = self._addresses.file_of(Audience.DOWNLOAD, request.match_info["token"])
        async with self._files.open(file_id) as download:
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


def require_plain(request: web.Request) -> None:
    """Refuse a compressed body (415): what is held against a checksum is the file itself."""
    if request.headers.get(hdrs.CONTENT_ENCODING, "identity").lower() != "identity":
        raise HttpError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Send the file as it is, not compressed.", close=True)


def refusal(error: FleetError) -> HttpError:
    """The same error, and the end of the connection: the rest of the body is not worth reading."""
    status = STATUSES.get(error.code, HTTPStatus.BAD_REQUEST)
    return HttpError(status, error.message, code=error.code.value, close=True)
