"""What the filters of things mean, in Python: the yardstick that the SQL is held against."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final


@dataclass(frozen=True)
class Known:
    """A thing as a filter sees it. `groups` and `organizations` hold those above, too."""

    id: str
    name: str
    type: str
    lifecycle: str
    connected: bool
    created_at: datetime
    updated_at: datetime
    last_seen_at: datetime | None = None
    external_id: str | None = None
    profile: str | None = None
    tags: frozenset[str] = frozenset()
    attributes: Mapping[tuple[str, str], Any] = field(default_factory=dict)
    groups: frozenset[str] = frozenset()
    groups_above: frozenset[str] = frozenset()
    organization: str = ""
    organizations_above: frozenset[str] = frozenset()


def meets(thing: Known, wanted: Mapping[str, Any] | None) -> bool:
    """Whether a thing meets a filter: all that is given, null like absent."""
    return all(_PARTS[name](thing, value) for name, value in (wanted or {}).items() if value is not None)


def folded(text: str) -> str:
    """A text without its case, as both databases see it: for the letters of ASCII."""
    return "".join(chr(ord(each) + 32) if "A" <= each <= "Z" else each for each in text)


OPERATORS: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "eq": lambda stored, value: stored is not None and stored == value,
    "ne": lambda stored, value: stored is None or stored != value,
    "gt": lambda stored, value: stored is not None and stored > value,
    "gte": lambda stored, value: stored is not None and stored >= value,
    "lt": lambda stored, value: stored is not None and stored < value,
    "lte": lambda stored, value: stored is not None and stored <= value,
    "in": lambda stored, value: stored is not None and stored in value,
    "nin": lambda stored, value: stored is None or stored not in value,
    "contains": lambda stored, value: stored is not None and folded(value) in folded(stored),
    "startsWith": lambda stored, value: stored is not None and folded(stored).startswith(folded(value)),
    "exists": lambda stored, value: (stored is not None) is value,
}


def compared(stored: Any, operators: Mapping[str, Any]) -> bool:
    """Whether a value meets all operators."""
    return all(OPERATORS[name](stored, _plain(value)) for name, value in operators.items() if value is not None)


def _plain(value: Any) -> Any:
    """Moments come as text."""
    if isinstance(value, str) and value[4:5] == "-" and value.endswith("Z"):
        return datetime.fromisoformat(value)
    return value


def _tagged(tags: Iterable[str], wanted: Mapping[str, Any]) -> bool:
    operators = {name: value for name, value in wanted.items() if value is not None}
    refused = {operators.pop("ne", None), *operators.pop("nin", ())}
    exists = operators.pop("exists", None)
    return (
        refused.isdisjoint(tags)
        and (exists is None or bool(tags) is exists)
        and (not operators or any(compared(tag, operators) for tag in tags))
    )


def _attributed(attributes: Mapping[tuple[str, str], Any], wanted: Mapping[str, Any]) -> bool:
    key = (wanted.get("scope", "INVENTORY"), wanted["name"])
    value = attributes.get(key)
    text = value if isinstance(value, str) else None
    number = value if isinstance(value, int | float) else None
    found = (
        key in attributes and compared(text, wanted.get("text") or {}) and compared(number, wanted.get("number") or {})
    )
    return not found if wanted.get("exists") is False else found


_PARTS: Final[Mapping[str, Callable[[Known, Any], bool]]] = {
    "and": lambda thing, parts: all(meets(thing, part) for part in parts),
    "or": lambda thing, parts: any(meets(thing, part) for part in parts),
    "not": lambda thing, part: not meets(thing, part),
    "ids": lambda thing, ids: thing.id in ids,
    "search": lambda thing, text: (
        compared(thing.name, {"contains": text}) or compared(thing.external_id, {"contains": text})
    ),
    "name": lambda thing, operators: compared(thing.name, operators),
    "externalId": lambda thing, operators: compared(thing.external_id, operators),
    "type": lambda thing, types: thing.type in types,
    "lifecycle": lambda thing, steps: thing.lifecycle in steps,
    "connected": lambda thing, connected: thing.connected is connected,
    "lastSeenAt": lambda thing, operators: compared(thing.last_seen_at, operators),
    "createdAt": lambda thing, operators: compared(thing.created_at, operators),
    "updatedAt": lambda thing, operators: compared(thing.updated_at, operators),
    "organization": lambda thing, wanted: (
        wanted["id"] in (thing.organizations_above if wanted.get("includeDescendants", True) else {thing.organization})
    ),
    "group": lambda thing, wanted: (
        wanted["id"] in (thing.groups_above if wanted.get("includeSubgroups", True) else thing.groups)
    ),
    "profileIds": lambda thing, ids: thing.profile in ids,
    "tag": lambda thing, wanted: _tagged(thing.tags, wanted),
    "attribute": lambda thing, wanted: _attributed(thing.attributes, wanted),
}
