"""What a thing is offered next."""

from __future__ import annotations

from datetime import datetime

from strawberry.scalars import JSON

from engine.fields import to_one, value
from engine.records import Record, record
from models import ArtifactRow, OtaExecutionRow
from schema.ota import OtaExecution
from schema.release import Artifact
from schema.scalars import BigInt


@record()
class UpdateOffer(Record):
    """An update with the file that fits the thing."""

    execution: OtaExecution | None = to_one(
        "execution_id", OtaExecutionRow.id, "The update, which the thing reports on."
    )
    artifact: Artifact | None = to_one("artifact_id", ArtifactRow.id, "The file, for those who may read it.")
    artifact_name: str = value("artifact_name", "The name of the release that the file belongs to.")
    artifact_version: str = value("artifact_version", "The version that the file brings.")
    compatible_types: list[str] = value("compatible_types", "The device types that the file fits; none means all.")
    file_name: str = value("file_name", "The name of the file.")
    size: BigInt = value("size", "Its size in bytes.")
    sha256: str = value("sha256", "Its SHA-256, in hex.")
    md5: str | None = value("md5", "Its MD5, in hex, where it is known.")
    download_url: str | None = value(
        "download_url",
        "Where it is fetched with GET, without a login; for people only when the job shares the file with them.",
    )
    download_expires_at: datetime | None = value("download_expires_at", "When that address ends.")
    metadata: JSON = value("metadata", "Free data of the job for the thing, as an object.")
    description: str = value("description", "What the update is for, for people.")
    key_digests: list[str] = value(
        "key_digests", "The SHA-256, in hex, of each key that the file is signed with; none when it is not signed."
    )
