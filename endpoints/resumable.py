"""Files that come in pieces, by the tus protocol 1.0 on the same addresses: HEAD asks how far it is, PATCH goes on.

With its extensions `creation` (POST says how long the file will be, and answers with an address for it) and
`termination` (DELETE). What has come stays for a day; the file is taken when it is whole, as with PUT.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final
from uuid import UUID

from aiohttp import hdrs, web

from endpoints.answers import HttpError, bad_request
from endpoints.files import FileRoutes, UploadPlaces, refusal, require_plain
from models.enums import ArtifactStatus
from services.errors import FleetError, InvalidInput
from services.signed_addresses import SignedAddresses
from services.spool import Occupied
from services.tokens import Audience
from services.uploads import Files, Progress

VERSION: Final = "1.0.0"
EXTENSIONS: Final = "creation,termination"
PIECE: Final = "application/offset+octet-stream"
MOST_DIGITS: Final = 15
_LOCKED_SECONDS: Final = "5"


def file_routes(files: Files, addresses: SignedAddresses, max_bytes: int) -> list[web.RouteDef]:
    """All routes of files; those that arrive share the places, whole or in pieces."""
    places = UploadPlaces()
    whole = FileRoutes(files, addresses, places)
    return [*whole.routes(), *ResumableRoutes(files, addresses, places, max_bytes).routes()]


class ResumableRoutes:
    """Takes files in pieces."""

    def __init__(self, files: Files, addresses: SignedAddresses, places: UploadPlaces, max_bytes: int) -> None:
        """`max_bytes` is what clients are told that a file may have."""
        self._files = files
        self._addresses = addresses
        self._places = places
        self._max_bytes = max_bytes

    def routes(self) -> list[web.RouteDef]:
        """What the application serves."""
        return [
            web.options("/uploads/{token}", self.tell),
            web.post("/uploads/{token}", self.begin),
            web.head("/uploads/{token}", self.ask),
            web.patch("/uploads/{token}", self.go_on),
            web.delete("/uploads/{token}", self.give_up),
        ]

    async def tell(self, _: web.Request) -> web.Response:
        """Say what of the protocol is spoken here."""
        told = {"Tus-Version": VERSION, "Tus-Extension": EXTENSIONS, "Tus-Max-Size": str(self._max_bytes)}
        return _answer(HTTPStatus.NO_CONTENT, told)

    async def begin(self, request: web.Request) -> web.Response:
        """Note the length of a file, and forget what has come of it: 201, with an address of its own as Location."""
        file_id = self._file(request)
        length = _number(request, "Upload-Length")
        if length is None:
            raise bad_request("Say how long the file will be: Upload-Length.")
        try:
            await self._files.begin(file_id, length)
        except FleetError as error:
            raise _refusal(error) from error
        return _answer(HTTPStatus.CREATED, {hdrs.LOCATION: self._addresses.upload(file_id).url, "Upload-Offset": "0"})

    async def ask(self, request: web.Request) -> web.Response:
        """Say how far a file has come: 200. One that is whole and was never taken is taken now."""
        file_id = self._file(request)
        try:
            with self._places.one():
                progress = await self._files.progress(file_id)
        except FleetError as error:
            raise _refusal(error) from error
        return _answer(HTTPStatus.OK, {**_told(progress), hdrs.CACHE_CONTROL: "no-store"})

    async def go_on(self, request: web.Request) -> web.Response:
        """Take a piece: 204 with the new offset; the last one takes the file as PUT does.

        400 another length than was said, or a whole file that is refused; 409 at another offset, or taken already;
        415 another media type; 423 another piece is being taken.
        """
        file_id = self._file(request)
        if request.content_type != PIECE:
            raise HttpError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"A piece is sent as {PIECE}.", close=True)
        require_plain(request)
        offset = _number(request, "Upload-Offset")
        if offset is None:
            raise bad_request("Say where the piece begins: Upload-Offset.")
        length = _number(request, "Upload-Length")
        try:
            with self._places.one():
                progress = await self._append(request, file_id, offset, length)
        except FleetError as error:
            raise _refusal(error) from error
        return _answer(HTTPStatus.NO_CONTENT, _told(progress))

    async def _append(self, request: web.Request, file_id: UUID, offset: int, length: int | None) -> Progress:
        try:
            return await self._files.append(file_id, offset, length, request.content.iter_any())
        except (web.RequestPayloadError, ConnectionError) as error:
            raise InvalidInput("the piece ended before its announced end; what came of it is kept") from error

    async def give_up(self, request: web.Request) -> web.Response:
        """Forget what has come of a file: 204."""
        file_id = self._file(request)
        try:
            await self._files.forget(file_id)
        except FleetError as error:
            raise _refusal(error) from error
        return _answer(HTTPStatus.NO_CONTENT, {})

    def _file(self, request: web.Request) -> UUID:
        """The file that the address is for, of a client that speaks this version (412 for another one)."""
        file_id = self._addresses.file_of(Audience.UPLOAD, request.match_info["token"])
        if request.headers.get("Tus-Resumable") != VERSION:
            raise HttpError(
                HTTPStatus.PRECONDITION_FAILED,
                f"Uploads in pieces speak tus {VERSION}: Tus-Resumable.",
                headers={"Tus-Version": VERSION, "Tus-Resumable": VERSION},
                close=True,
            )
        return file_id


def _told(progress: Progress) -> dict[str, str]:
    """How far it is; a length that nobody has said yet is announced to come."""
    length = {"Upload-Defer-Length": "1"} if progress.length is None else {"Upload-Length": str(progress.length)}
    whole = {} if progress.status is ArtifactStatus.AWAITING_UPLOAD else {"Upload-Status": progress.status.value}
    return {"Upload-Offset": str(progress.offset), **length, **whole}


def _answer(status: HTTPStatus, headers: Mapping[str, str]) -> web.Response:
    return web.Response(status=status, headers={"Tus-Resumable": VERSION, **headers})


def _number(request: web.Request, name: str) -> int | None:
    """A header that is a number of bytes, or absent; raises HttpError for anything else."""
    value = request.headers.get(name)
    if value is None:
        return None
    if not value.isascii() or not value.isdigit() or len(value) > MOST_DIGITS:
        raise bad_request(f"{name} is a number of bytes.")
    return int(value)


def _refusal(error: FleetError) -> HttpError:
    if isinstance(error, Occupied):
        headers = {"Retry-After": _LOCKED_SECONDS, "Tus-Resumable": VERSION}
        return HttpError(HTTPStatus.LOCKED, error.message, code=error.code.value, headers=headers, close=True)
    refused = refusal(error)
    refused.headers = {"Tus-Resumable": VERSION}
    return refused
