"""Signed addresses: what lets the holder move the bytes of one file over HTTP, in one direction, for a while.

A file is that of an artifact or of an attachment; it goes by the id of either.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from models.columns import now
from services.errors import Forbidden, Unauthenticated
from services.storage import Storage
from services.tokens import Audience, TokenKeys

_CLAIM: Final = "file"
_PATHS: Final[Mapping[Audience, str]] = {Audience.UPLOAD: "uploads", Audience.DOWNLOAD: "downloads"}
UPLOAD_SECONDS: Final = 3600


@dataclass(frozen=True, slots=True)
class SignedAddress:
    """An address and the moment from which it is refused."""

    url: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class SignedAddresses:
    """Makes and reads them.

    `base_url` has no trailing slash; `seconds` is how long a download address is good for, `upload_seconds` one for
    uploads. A `storage` that gives files out itself is where its files are fetched.
    """

    keys: TokenKeys
    base_url: str
    seconds: int
    upload_seconds: int = UPLOAD_SECONDS
    storage: Storage | None = None

    def upload(self, file_id: UUID) -> SignedAddress:
        """Where the gateway takes a file (rainmaker.ota.image-upload-request, rainmaker.files.admin-upload-request)."""
        expires_at = _end(self.upload_seconds)
        return SignedAddress(self._url(Audience.UPLOAD, file_id, self.upload_seconds), expires_at)

    def direct_upload(self, file_id: UUID) -> SignedAddress | None:
        """Where the storage itself takes it; None for a storage that takes nothing from others."""
        expires_at = _end(self.upload_seconds)
        url = None if self.storage is None else self.storage.upload_address(file_id, self.upload_seconds)
        return None if url is None else SignedAddress(url, expires_at)

    def download(self, file_id: UUID) -> SignedAddress:
        """Where a file is fetched with GET, without a login (mender.file.get-artifact-download-link)."""
        expires_at = _end(self.seconds)
        direct = None if self.storage is None else self.storage.download_address(file_id, self.seconds)
        return SignedAddress(direct or self._url(Audience.DOWNLOAD, file_id, self.seconds), expires_at)

    def file_of(self, audience: Audience, token: str) -> UUID:
        """The file that a token is for; raises Forbidden for one that is not valid, or not valid any more."""
        try:
            return UUID(hex=self.keys.verify(audience, token)[_CLAIM])
        except (Unauthenticated, KeyError, ValueError, AttributeError) as error:
            raise Forbidden("the address is not valid, or not any more; ask for a new one") from error

    def _url(self, audience: Audience, file_id: UUID, seconds: int) -> str:
        token = self.keys.sign(audience, {_CLAIM: file_id.hex}, seconds=seconds)
        return f"{self.base_url}/{_PATHS[audience]}/{token}"


def _end(seconds: int) -> datetime:
    """Tokens count in whole seconds; what is said about their end must not be later than it."""
    return now().astimezone(UTC).replace(microsecond=0) + timedelta(seconds=seconds)
