"""What a file says of itself, whatever its format."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from models.enums import ArtifactFormat


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What was read from a file; empty where it says nothing.

    `provides` holds texts by name, `depends` lists of texts by name; device types stand in `compatible_types` alone.
    `updates` are the payloads: `typeInfo`, `files` (each with `name`, `checksum` (SHA-256 in hex), `size` in bytes and
    `date`) and `metaData` (mender.ota.list-artifacts).
    """

    format: ArtifactFormat
    name: str | None = None
    version: str | None = None
    model: str | None = None
    compatible_types: list[str] = field(default_factory=list)
    provides: dict[str, str] = field(default_factory=dict)
    depends: dict[str, list[str]] = field(default_factory=dict)
    signed: bool = False
    info: dict[str, Any] = field(default_factory=dict)
    updates: list[dict[str, Any]] = field(default_factory=list)
