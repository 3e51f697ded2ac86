"""Compare the answers that the documentation shows with real ones: the same fields, whatever the values."""

from __future__ import annotations

from typing import Any

FREE = {"delta", "desired", "metadata", "patch", "reported", "target"}
"""Fields that hold JSON of the thing's own: their keys are examples."""


def differences(shown: Any, real: Any, path: str = "$") -> list[str]:
    """Where a shown answer has another shape than a real one: other fields, other types, an empty list for a full one.

    A real null may stand for anything that the schema lets be null, but not the other way round.
    """
    if real is None:
        return []
    if isinstance(shown, dict) and isinstance(real, dict):
        if path.rpartition(".")[2] in FREE:
            return []
        found = [f"{path}.{name} is shown and not answered" for name in shown.keys() - real.keys()]
        found += [f"{path}.{name} is answered and not shown" for name in real.keys() - shown.keys()]
        for name in shown.keys() & real.keys():
            found += differences(shown[name], real[name], f"{path}.{name}")
        return sorted(found)
    if isinstance(shown, list) and isinstance(real, list):
        if bool(shown) is not bool(real):
            return [f"{path} has {len(shown)} items where it is shown, and {len(real)} in the answer"]
        return differences(shown[0], real[0], f"{path}[0]") if shown else []
    if _kind(shown) is not _kind(real):
        return [f"{path} is {shown!r} where it is shown, and {real!r} in the answer"]
    return []


def _kind(value: Any) -> type:
    return float if isinstance(value, int) and not isinstance(value, bool) else type(value)
