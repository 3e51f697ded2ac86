"""The file that holds the keys of the simulated things: the gateway itself stores only their digests."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import orjson

from demo.things import ThingKey

KEYS_FILE: Final = "demo-keys.json"
"""Its name in the data directory."""


class KeysUnreadable(Exception):
    """The file of keys is missing or not what this version writes."""


def write_keys(path: Path, keys: Sequence[ThingKey]) -> None:
    """Write the keys for the owner's eyes alone; the file is replaced whole, so that a reader never sees a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    content = [
        {"thingId": str(key.thing_id), "externalId": key.external_id, "kind": key.kind, "key": key.key} for key in keys
    ]
    making = path.with_name(f"{path.name}.new")
    making.unlink(missing_ok=True)
    with os.fdopen(os.open(making, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
        file.write(orjson.dumps(content, option=orjson.OPT_INDENT_2))
    making.replace(path)


def read_keys(path: Path) -> list[ThingKey]:
    """The keys in the file; raises KeysUnreadable."""
    try:
        content: Any = orjson.loads(path.read_bytes())
        return [
            ThingKey(UUID(entry["thingId"]), str(entry["externalId"]), str(entry["kind"]), str(entry["key"]))
            for entry in content
        ]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise KeysUnreadable(f"{path} holds no keys of demo things; build a demo fleet first") from error
