"""From what was declared of an artifact and what its file says to what is stored of it.

What a `.mender` says comes from the file and never from its sender (mender.ota.upload-artifact). Of an image or a
package, what was sent goes before what the file says (rainmaker.ota.upload-image-inline). A raw file says nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select

from models.enums import ArtifactFormat, ArtifactStatus
from models.tables import ARTIFACT
from services import releases
from services.artifact_rules import check_depends, check_provides, check_types
from services.errors import Conflict, InvalidInput, LimitReached
from services.formats.reading import Content
from services.unit_of_work import UnitOfWork
from services.validation import NAME_LENGTH, check_name, check_text

MAX_PER_RELEASE: Final = 100
_NEEDED: Final[Mapping[ArtifactFormat, Sequence[tuple[str, str]]]] = {
    ArtifactFormat.MENDER: (),
    ArtifactFormat.ESP_IMAGE: (
        ("artifact_version", "version"),
        ("model", "model"),
        ("compatible_types", "compatibleTypes"),
    ),
    ArtifactFormat.PACKAGE: (
        ("artifact_version", "version"),
        ("model", "model"),
        ("compatible_types", "compatibleTypes"),
    ),
    ArtifactFormat.RAW: (("artifact_version", "version"), ("model", "model")),
}
"""What has to be known of an artifact before it can be used: columns, and the input fields that they come from."""


def missing(values: Mapping[Any, Any]) -> list[str]:
    """The input fields that are still needed of an artifact with these columns."""
    return [field for column, field in _NEEDED[values["format"]] if not values[column]]


def settle(declared: Mapping[str, Any], content: Content) -> dict[str, Any]:
    """The columns of an artifact whose file has arrived, of what was `declared` and what the file says.

    Raises InvalidInput for a file with another name than was declared, and for values that cannot be stored.
    """
    said = {"signed": content.signed, "info": content.info, "updates": content.updates}
    if declared["format"] is ArtifactFormat.MENDER:
        said |= _said_by_mender(declared, content)
    else:
        said["artifact_version"] = declared["artifact_version"] or _text(content.version, "version")
        # An image has no other word for what it is made for than its project.
        said["model"] = declared["model"] or _text(content.model or content.name, "model")
        said["compatible_types"] = declared["compatible_types"] or _types(content)
    complete = not missing({**declared, **said})
    said["status"] = ArtifactStatus.READY if complete else ArtifactStatus.AWAITING_CONFIRMATION
    return said


def _said_by_mender(declared: Mapping[str, Any], content: Content) -> dict[str, Any]:
    name = check_name(content.name or "", ("releaseName",))
    if declared["name"] not in {"", name}:
        raise InvalidInput("the file names another release than was declared", ("releaseName",))
    return {
        "name": name,
        "artifact_version": _text(content.version or name, "version"),
        "model": _text(content.model, "model"),
        "compatible_types": _types(content),
        "provides": check_provides(content.provides, ("provides",)),
        "depends": check_depends(content.depends, ("depends",)),
    }


def _types(content: Content) -> list[str]:
    return check_types(content.compatible_types, ("compatibleTypes",))


def _text(value: str | None, field: str) -> str:
    return check_text(value or "", (field,), limit=NAME_LENGTH).strip()


def check_package_name(release_name: str | None, file_name: str) -> str:
    """A package is named as its zip is, without `.zip` (rainmaker.ota.package-upload)."""
    name = PurePath(file_name).stem if file_name.lower().endswith(".zip") else ""
    if not name:
        raise InvalidInput("a package is a file whose name ends in .zip", ("fileName",))
    if release_name is not None and release_name.strip() != name:
        raise InvalidInput("a package has the name of its file without .zip", ("releaseName",))
    return name


async def enter_release(work: UnitOfWork, artifact: Mapping[str, Any]) -> UUID | None:
    """The release that an artifact with these columns is in, made when there is none of its name.

    None for an artifact that has no name yet, and for one that only its sender sees, which would be nobody's else
    choice. Raises LimitReached (100 artifacts in a release), and Conflict when the release has one that things of a
    type could not choose between.
    """
    if not artifact["name"] or artifact["private_to_id"] is not None:
        return None
    release_id = artifact["release_id"] or await releases.provide(work, artifact["organization_id"], artifact["name"])
    if artifact["signed_from_id"] is None:
        others = await rivals(work, release_id, artifact)
        if others:
            raise Conflict("the release has this version for a device type of it already", ("compatibleTypes",))
    return release_id


async def rivals(work: UnitOfWork, release_id: UUID, artifact: Mapping[str, Any]) -> list[UUID]:
    """The artifacts of a release that a thing could not choose between and this one; their number is bounded.

    Two of the same depends and a common device type: of one version, or of any when one is a `.mender`, whose name is
    its version (mender.ota.upload-artifact). What is not known yet does not count. Raises LimitReached.
    """
    mine = (ARTIFACT.c.release_id == release_id, ARTIFACT.c.id != artifact["id"], ARTIFACT.c.signed_from_id.is_(None))
    found = [dict(row) for row in (await work.session.execute(select(*_COMPARED).where(*mine))).mappings()]
    if len(found) >= MAX_PER_RELEASE:
        raise LimitReached(f"a release has at most {MAX_PER_RELEASE} artifacts", ("releaseName",))
    return [row["id"] for row in found if _is_known(artifact) and _is_known(row) and _are_rivals(artifact, row)]


_COMPARED: Final = (
    ARTIFACT.c.id,
    ARTIFACT.c.format,
    ARTIFACT.c.status,
    ARTIFACT.c.artifact_version,
    ARTIFACT.c.model,
    ARTIFACT.c.compatible_types,
    ARTIFACT.c.depends,
)


def _is_known(artifact: Mapping[Any, Any]) -> bool:
    read = artifact["format"] is not ArtifactFormat.MENDER or artifact["status"] is ArtifactStatus.READY
    return read and not missing(artifact)


def _are_rivals(one: Mapping[Any, Any], other: Mapping[Any, Any]) -> bool:
    own, types = set(one["compatible_types"]), set(other["compatible_types"])
    common = own & types or (not own and not types)
    if not common or one["depends"] != other["depends"]:
        return False
    any_version = ArtifactFormat.MENDER in {one["format"], other["format"]}
    return any_version or one["artifact_version"] == other["artifact_version"]
