"""The difference between what is wanted and what is reported."""

from __future__ import annotations

from typing import Any


def state_delta(reported: dict[str, Any], desired: dict[str, Any]) -> dict[str, Any]:
    """The desired values that differ from the reported ones, objects compared key by key, lists as a whole.

    A desired null means that the key should be absent: it is in the delta as long as the thing reports the key.
    """
    delta: dict[str, Any] = {}
    for key, wanted in desired.items():
        if wanted is None:
            if reported.get(key) is not None:
                delta[key] = None
        elif key not in reported:
            delta[key] = wanted
        elif isinstance(wanted, dict) and isinstance(reported[key], dict):
            if inner := state_delta(reported[key], wanted):
                delta[key] = inner
        elif not _equal(wanted, reported[key]):
            delta[key] = wanted
    return delta


def _equal(left: Any, right: Any) -> bool:
    """JSON equality: 1 equals 1.0, but true is not 1, on any level."""
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(_equal, left, right))
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(_equal(value, right[key]) for key, value in left.items())
    if isinstance(left, bool) is not isinstance(right, bool):
        return False
    return bool(left == right)
