"""Signed addresses: what lets the holder move the bytes of one artifact over HTTP, in one direction, for a while."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from models.columns import now
from services.errors import Forbidden, Unauthenticated
from services.tokens import Audience, TokenKeys

_CLAIM: Final = "artifact"
_PATHS: Final[Mapping[Audience, str]] = {Audience.UPLOAD: "uploads", Audience.DOWNLOAD: "downloads"}


@dataclass(frozen=True, slots=True)
class SignedAddress:
    """An address and the moment from which it is refused."""

    url: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class SignedAddresses:
    """Makes and reads them; `base_url` has no trailing slash, `seconds` is how long each is good for."""

    keys: TokenKeys
    base_url: str
    seconds: int

    def upload(self, artifact_id: UUID) -> SignedAddress:
        """Where the file of an artifact is sent with PUT (rainmaker.ota.image-upload-request)."""
        return self._address(Audience.UPLOAD, artifact_id)

    def download(self, artifact_id: UUID) -> SignedAddress:
        """Where the file is fetched with GET, without a login (mender.file.get-artifact-download-link)."""
        return self._address(Audience.DOWNLOAD, artifact_id)

    def artifact_of(self, audience: Audience, token: str) -> UUID:
        """The artifact that a token is for; raises Forbidden for one that is not valid, or not valid any more."""
        try:
            return UUID(hex=self.keys.verify(audience, token)[_CLAIM])
        except (Unauthenticated, KeyError, ValueError, AttributeError) as error:
            raise Forbidden("the address is not valid, or not any more; ask for a new one") from error

    def _address(self, audience: Audience, artifact_id: UUID) -> SignedAddress:
        # The token counts in whole seconds; what is said about its end must not be later than its end.
        expires_at = now().astimezone(UTC).replace(microsecond=0) + timedelta(seconds=self.seconds)
        token = self.keys.sign(audience, {_CLAIM: artifact_id.hex}, seconds=self.seconds)
        return SignedAddress(f"{self.base_url}/{_PATHS[audience]}/{token}", expires_at)
