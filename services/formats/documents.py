"""JSON inside of update files, read strictly: one object, no name twice, within the bounds of what is stored."""

from __future__ import annotations

import json
from typing import Any, Final

from services.errors import InvalidInput
from services.validation import check_object

MAX_DOCUMENT: Final = 1_048_576


def parse_object(data: bytes, what: str) -> dict[str, Any]:
    """The object that a document is; `what` names it in errors.

    Raises InvalidInput when it is anything else, has a name twice (readers differ in which they take), or is too large.
    """
    if len(data) > MAX_DOCUMENT:
        raise InvalidInput(f"{what} is longer than {MAX_DOCUMENT:,} bytes")
    try:
        return check_object(json.loads(data.decode(), object_pairs_hook=_unique), ())
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"{what} is not JSON, or has a name twice") from error
    except InvalidInput as error:
        raise InvalidInput(f"{what}: {error.message}") from error


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice")
    return found


def texts(value: Any, what: str) -> list[str]:
    """A text or a list of texts, as a list; raises InvalidInput for anything else."""
    items = [value] if isinstance(value, str) else value
    if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
        raise InvalidInput(f"{what} is not a list of texts")
    return items


def mapping(value: Any, what: str) -> dict[str, Any]:
    """An object, or an empty one for nothing; raises InvalidInput for anything else."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise InvalidInput(f"{what} is not an object")
    return value
